// Package nevra matches packages with the patterns that people write for dnf: a
// name, a name with an architecture, with a version, with all of it, each with
// globs.
//
// A pattern such as "php-*" may be read in several forms, as a name or as a name
// and a version. dnf tries the forms in a fixed order and takes the first by which
// it finds any package at all (hawkey's subject; dnf(8), "specifying packages"). So
// what a pattern means depends on which packages there are: [Pattern.Meet] them
// all first. A pattern that met nothing matches in any form.
//
// Globs are those of fnmatch(3) without flags. Unlike hawkey's, versions without
// globs are compared as text, and letters have no case to fold.
package nevra

import "strings"

// Package is one build, installed or on offer.
type Package struct {
	Name, Epoch, Version, Release, Arch string
}

// Split takes a build apart; evr is "epoch:version-release".
func Split(name, evr, arch string) Package {
	p := Package{Name: name, Epoch: "0", Arch: arch}
	if epoch, rest, found := strings.Cut(evr, ":"); found {
		p.Epoch, evr = epoch, rest
	}
	p.Version, p.Release, _ = strings.Cut(evr, "-")
	return p
}

// String writes a build as dnf does, without an epoch of 0.
func (b Package) String() string {
	epoch := b.Epoch + ":"
	if b.Epoch == "" || b.Epoch == "0" {
		epoch = ""
	}
	return b.Name + "-" + epoch + b.Version + "-" + b.Release + "." + b.Arch
}

// form is a way to read a pattern.
type form int

const (
	formNEVRA form = iota // name-[epoch:]version-release.arch
	formNEVR
	formNEV
	formNA // name.arch
	formName
	formWhole // a glob over all of it, with the epoch 0 where the pattern has a ':'
)

// Pattern is a pattern that can be matched. Its methods are not for several
// goroutines at once.
type Pattern struct {
	Text     string
	readings []reading // in the order in which they are tried
	known    int       // the first that is known to match anything, or their number
}

// reading is the pattern read in one form; what it does not say is "*".
type reading struct {
	form form
	Package
}

// Spec reads a pattern as dnf reads those of excludepkgs and includepkgs.
func Spec(text string) *Pattern {
	return parse(text, formNEVRA, formNA, formName, formNEVR, formNEV, formWhole)
}

// Lock reads a pattern as the versionlock plugin of dnf 4 does.
func Lock(text string) *Pattern {
	return parse(text, formNEVRA, formNEVR, formNEV, formNA, formName)
}

func parse(text string, forms ...form) *Pattern {
	p := &Pattern{Text: text}
	for _, f := range forms {
		if r, ok := read(text, f); ok {
			p.readings = append(p.readings, r)
		}
	}
	p.known = len(p.readings)
	return p
}

// has reports whether a form has a part: V for the version, R the release, A the
// architecture.
func (f form) has(part byte) bool {
	return strings.IndexByte(map[form]string{formNEVRA: "VRA", formNEVR: "VR", formNEV: "V", formNA: "A"}[f], part) >= 0
}

func read(text string, f form) (reading, bool) {
	r := reading{f, Package{"*", "*", "*", "*", "*"}}
	rest := text
	var ok bool
	if f == formWhole {
		r.Name = text
		return r, text != ""
	}
	if f.has('A') {
		if rest, r.Arch, ok = cutLast(rest, '.'); !ok || strings.ContainsAny(r.Arch, "-:") {
			return r, false
		}
	}
	if f.has('R') {
		if rest, r.Release, ok = cutLast(rest, '-'); !ok || strings.Contains(r.Release, ":") {
			return r, false
		}
	}
	if f.has('V') {
		if rest, r.Version, ok = cutLast(rest, '-'); !ok || !r.splitEpoch() {
			return r, false
		}
	}
	r.Name = rest
	return r, rest != "" && r.Version != "" && !strings.ContainsAny(rest+r.Version, ":(/=<> ")
}

// splitEpoch takes the epoch off the version, which must be a number.
func (r *reading) splitEpoch() bool {
	epoch, version, found := strings.Cut(r.Version, ":")
	if !found {
		return true
	}
	if epoch == "" || strings.Trim(epoch, "0123456789") != "" {
		return false
	}
	r.Epoch, r.Version = epoch, version
	return true
}

func cutLast(text string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(text, sep)
	if i < 0 || i == len(text)-1 {
		return text, "", false
	}
	return text[:i], text[i+1:], true
}

// Empty reports whether the pattern cannot be read in any form.
func (p *Pattern) Empty() bool { return len(p.readings) == 0 }

// Meet tells the pattern of a package that there is.
func (p *Pattern) Meet(b Package) {
	for i := range p.readings[:p.known] {
		if p.readings[i].matches(b) {
			p.known = i
			return
		}
	}
}

// Matches reports whether the pattern matches the package.
func (p *Pattern) Matches(b Package) bool {
	if p.known < len(p.readings) {
		return p.readings[p.known].matches(b)
	}
	for i := range p.readings {
		if p.readings[i].matches(b) {
			return true
		}
	}
	return false
}

// Asks reports whether to meet packages of that name could change what the pattern
// means.
func (p *Pattern) Asks(name string) bool {
	for _, r := range p.readings[:p.known] {
		if r.named(name) {
			return true
		}
	}
	return false
}

// Names reports whether a form that was tried has a name that matches.
func (p *Pattern) Names(name string) bool {
	for i, r := range p.readings {
		if i <= p.known && r.named(name) {
			return true
		}
	}
	return false
}

// named reports whether the reading could be of a package of that name; of a whole
// one only what stands before the first glob is looked at.
func (r *reading) named(name string) bool {
	if r.form != formWhole {
		return Glob(r.Name, name)
	}
	i := strings.IndexAny(r.Name, `*?[\`)
	if i >= 0 && strings.HasPrefix(name, r.Name[:i]) {
		return true
	}
	if i < 0 {
		i = len(r.Name)
	}
	return strings.HasPrefix(r.Name[:i], name+"-")
}

func (r *reading) matches(b Package) bool {
	if r.form == formWhole {
		if strings.Contains(r.Name, ":") {
			return Glob(r.Name, b.Name+"-"+b.Epoch+":"+b.Version+"-"+b.Release+"."+b.Arch)
		}
		return Glob(r.Name, b.String())
	}
	return Glob(r.Name, b.Name) && Glob(r.Arch, b.Arch) && (r.Epoch == "*" || r.Epoch == b.Epoch) &&
		Glob(r.Version, b.Version) && Glob(r.Release, b.Release)
}
