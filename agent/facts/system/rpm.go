package system

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"seawall/agent/facts/fact"
	"seawall/pkg/finding"
	"seawall/pkg/hostfs"
	"seawall/pkg/pkgver"
	"seawall/pkg/rpmdb"
	"seawall/pkg/text"
)

// rpmKernels compares the running kernel with those that rpm has installed. What
// the flag said stands.
func (r *Reboot) rpmKernels(root hostfs.Root, running kernel, evidence finding.Evidence, undecided func(bool, string)) {
	packages, _, dir, err := rpmdb.ReadTimes(root)
	if errors.Is(err, fs.ErrNotExist) {
		undecided(true, "neither dpkg's database nor rpm's is there: the installed kernels are not known")
		return
	}
	if err != nil {
		undecided(true, text.Clean("the installed kernels are not known: "+err.Error(), text.Limit))
		return
	}
	builds := rpmBuilds(packages)
	defer r.suggested(root, packages)
	if len(builds) == 0 {
		undecided(false, "no kernel package is installed: the kernel comes from outside")
		return
	}
	version, flav, ok := rpmRunning(builds, running.release)
	if !ok {
		undecided(true, text.Clean("the running kernel "+running.release+" is of none of the installed packages' flavours", text.Limit))
		return
	}
	latest, ok := rpmNewest(builds, flav, running.release)
	if !ok {
		undecided(true, text.Clean("no installed kernel is of the running one's flavour, "+flav, text.Limit))
		return
	}
	r.Applicable = true
	r.Newest = text.Clean(latest.release(), maxWord)
	behind := pkgver.RPM(latest.evr(), version) > 0
	if behind || !r.Required.Known {
		r.Evidence = append(r.Evidence, evidence, finding.Evidence{File: dir, Text: text.Clean(latest.Name+" "+latest.release(), maxWord)})
	}
	switch {
	case behind:
		r.Required = fact.Tri{Known: true, Yes: true, Reason: text.Clean(fmt.Sprintf("kernel %s runs, %s is installed", running, latest.release()), text.Limit)}
	case !r.Required.Known:
		r.Required = fact.Tri{Known: true, Reason: "the newest installed kernel of its flavour runs"}
	}
}

// rpmBuild is one installed build of a kernel. Its flavour is what its package's
// name has beside "kernel": "", "rt", "64k", "debug", "uek", "lt", "rt-debug".
type rpmBuild struct {
	*rpmdb.Package
	flavour string
}

// evr leaves the epoch out: the kernel does not print it.
func (b rpmBuild) evr() string { return b.Version + "-" + b.Release }

func (b rpmBuild) release() string { return b.evr() + "." + b.Arch }

// rpmBuilds are the installed kernels. Where a flavour has its image in a package
// of its own (kernel-core) the one that only draws it in (kernel) is none.
func rpmBuilds(packages []rpmdb.Package) []rpmBuild {
	var all []rpmBuild
	cores := map[string]bool{}
	for i := range packages {
		rest, ok := strings.CutPrefix(packages[i].Name, "kernel")
		if !ok || rest != "" && rest[0] != '-' {
			continue
		}
		rest = strings.TrimPrefix(rest, "-")
		if flav, ok := strings.CutSuffix("-"+rest, "-core"); ok && !strings.Contains(rest, "modules") {
			flav = strings.TrimPrefix(flav, "-")
			cores[flav] = true
			all = append(all, rpmBuild{&packages[i], flav})
		} else if rpmImage(rest) {
			all = append(all, rpmBuild{&packages[i], rest})
		}
	}
	return slices.DeleteFunc(all, func(b rpmBuild) bool { return cores[b.flavour] && !strings.HasSuffix(b.Name, "-core") })
}

// rpmImage says which packages have the image themselves: kernel of EL 7,
// kernel-uek of Oracle Linux 8, those of ELRepo.
func rpmImage(flavour string) bool {
	switch flavour {
	case "", "uek", "uek-debug", "rt", "rt-debug", "debug", "lt", "ml", "plus":
		return true
	}
	return false
}

// rpmRunning finds the running kernel's version and flavour. Its release is the
// package's version, release and architecture, and since EL 9 "+flavour" behind
// them. One that was removed is known by how its release is written.
func rpmRunning(builds []rpmBuild, release string) (evr, flav string, ok bool) {
	base, plus, _ := strings.Cut(release, "+")
	var found []rpmBuild
	for _, b := range builds {
		if b.release() == base {
			found = append(found, b)
		}
	}
	for _, want := range []string{plus, "uek", "rt", "lt", "ml", "plus"} {
		i := slices.IndexFunc(found, func(b rpmBuild) bool { return b.flavour == want })
		if i >= 0 && (plus == "" || want == plus) {
			return found[i].evr(), found[i].flavour, true
		}
	}
	dot := strings.LastIndexByte(base, '.')
	if dot < 0 || !strings.Contains(base[:dot], "-") {
		return "", "", false
	}
	evr = base[:dot]
	switch _, rel, _ := strings.Cut(evr, "-"); {
	case plus != "":
		flav = plus
	case strings.Contains(rel, "uek"):
		flav = "uek"
	case strings.Contains(rel, ".rt"):
		flav = "rt"
	case strings.Contains(rel, "elrepo"):
		flav = "lt"
		if !slices.ContainsFunc(builds, func(b rpmBuild) bool { return b.flavour == "lt" }) {
			flav = "ml"
		}
	}
	return evr, flav, slices.ContainsFunc(builds, func(b rpmBuild) bool { return b.flavour == flav })
}

// rpmNewest is the newest installed build of a flavour for the running architecture.
func rpmNewest(builds []rpmBuild, flav, release string) (best rpmBuild, ok bool) {
	base, _, _ := strings.Cut(release, "+")
	for _, b := range builds {
		if b.flavour != flav || !strings.HasSuffix(base, "."+b.Arch) {
			continue
		}
		if !ok || pkgver.RPM(b.evr(), best.evr()) > 0 {
			best, ok = b, true
		}
	}
	return best, ok
}
