// Package dnf reads how dnf is configured and what its cache holds, from the files
// of dnf 4 and dnf 5 and without either: dnf.conf, the repositories' .repo files,
// variables, excludes, version locks, the state of modules, and the cache folder of
// each repository.
//
// No address is ever opened and no repository is read where it stands, a local one
// neither: what dnf last downloaded is in its cache, and that is what dnf answers
// from.
package dnf
