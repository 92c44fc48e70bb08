package repodata

import "io"

// ModuleBuild is one document "modulemd" of modules.yaml: a build of a module
// stream and the packages that belong to it.
type ModuleBuild struct {
	Module
	Artifacts []string // "nodejs-1:18.20.4-1.module_el9.4.0+2.x86_64"
}

// ModuleDefault is one document "modulemd-defaults": the stream of a module that
// is active where nobody chose one.
type ModuleDefault struct{ Name, Stream string }

// ScanModules reads modules.yaml and calls build and defaults for its documents.
// Documents of other kinds are passed over.
func ScanModules(r io.Reader, build func(*ModuleBuild), defaults func(ModuleDefault)) error {
	return ErrDamaged
}
