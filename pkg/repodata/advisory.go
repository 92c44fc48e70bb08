package repodata

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"seawall/pkg/xmlscan"
)

// Bounds of one advisory: the bytes of what is kept of it, and its parts. The
// largest of Fedora's name a few hundred packages, of the kernel's a thousand CVEs.
const (
	maxKept  = 4 << 20
	maxParts = 1 << 15
)

// Advisory is one entry of updateinfo: what the vendor says that certain builds
// fix. It and its slices are valid until each returns; the strings can be kept.
type Advisory struct {
	ID, Title       string
	Type            string // "security", "bugfix", "enhancement", "newpackage", …
	Severity        string // "Critical", "Important", "Moderate", "Low", "None" or ""
	Issued, Updated time.Time
	CVEs            []string
	RebootSuggested bool // of the advisory as a whole, or of a package that is wanted
	Packages        []AdvisoryPackage
}

// AdvisoryPackage is one build that an advisory names.
type AdvisoryPackage struct {
	Name, Arch              string
	EVR                     string // "epoch:version-release", the epoch always there
	Epoch, Version, Release string
	Module                  Module // of the collection, zero where it is not modular
	RebootSuggested         bool
}

// Module names one build of a module stream.
type Module struct{ Name, Stream, Version, Context, Arch string }

// ScanAdvisories reads updateinfo.xml and calls each for every advisory that names
// a package that want accepts, with those packages only.
func ScanAdvisories(r io.Reader, want func(name []byte) bool, each func(*Advisory)) error {
	a := advisories{s: xmlscan.New(r), want: want}
	err := document(a.s, "updates", func() error {
		if string(a.s.Name()) != "update" {
			return nil
		}
		if err := a.update(); err != nil {
			return err
		}
		if len(a.packages) > 0 {
			a.tell(each)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("updateinfo: %w", err)
	}
	return nil
}

// advisories reads one advisory after the other. Nothing becomes a string before it
// is known that it is wanted.
type advisories struct {
	s    *xmlscan.Scanner
	want func(name []byte) bool

	keep                                       kept
	id, title, kind, severity, issued, updated span
	cves                                       []span
	modules                                    [][5]span
	packages                                   []wanted
	module                                     int // of the current collection, 0 is none
	reboot                                     bool
	advisory                                   Advisory // reused
}

// wanted is a package of the advisory.
type wanted struct {
	build
	module int
	reboot bool
}

func (a *advisories) update() error {
	a.keep = a.keep[:0]
	a.id, a.title, a.kind, a.severity, a.issued, a.updated = span{}, span{}, span{}, span{}, span{}, span{}
	a.cves, a.modules, a.packages, a.module, a.reboot = a.cves[:0], a.modules[:0], a.packages[:0], 0, false
	a.kind = a.keep.add(a.s.Attr("type"))
	return elements(a.s, a.field)
}

// field reads one child of an advisory.
func (a *advisories) field() (err error) {
	switch string(a.s.Name()) {
	case "id":
		a.id, err = a.keep.text(a.s)
	case "title":
		a.title, err = a.keep.text(a.s)
	case "severity":
		a.severity, err = a.keep.text(a.s)
	case "issued":
		a.issued = a.keep.add(a.s.Attr("date"))
	case "updated":
		a.updated = a.keep.add(a.s.Attr("date"))
	case "reboot_suggested":
		a.reboot, err = flag(a.s)
	case "references":
		err = elements(a.s, a.reference)
	case "pkglist":
		err = elements(a.s, a.collection)
	}
	if err == nil {
		err = a.bounded()
	}
	return err
}

func (a *advisories) reference() error {
	if string(a.s.Name()) != "reference" || !bytes.EqualFold(a.s.Attr("type"), []byte("cve")) {
		return nil
	}
	if len(a.cves) == maxParts {
		return fmt.Errorf("%w: advisory has more than %d references", ErrDamaged, maxParts)
	}
	if id := a.s.Attr("id"); len(id) > 0 {
		a.cves = append(a.cves, a.keep.add(id))
	}
	return a.bounded()
}

// bounded is an error when too much is to be kept of one advisory.
func (a *advisories) bounded() error {
	if len(a.keep) > maxKept || len(a.packages) > maxParts || len(a.modules) > maxParts {
		return fmt.Errorf("%w: advisory is too large", ErrDamaged)
	}
	return nil
}

func (a *advisories) collection() error {
	a.module = 0
	if string(a.s.Name()) != "collection" {
		return nil
	}
	return elements(a.s, a.member)
}

// member reads a module or a package of a collection. The module stands first.
func (a *advisories) member() error {
	switch string(a.s.Name()) {
	case "module":
		var m [5]span
		for i, name := range [...]string{"name", "stream", "version", "context", "arch"} {
			m[i] = a.keep.add(a.s.Attr(name))
		}
		a.modules = append(a.modules, m)
		a.module = len(a.modules)
	case "package":
		name := a.s.Attr("name")
		if len(name) == 0 || !a.want(name) {
			return a.s.Skip()
		}
		w := wanted{module: a.module}
		w.name = a.keep.add(name)
		w.arch = a.keep.add(a.s.Attr("arch"))
		w.evr(&a.keep, a.s, "epoch", "version", "release")
		a.packages = append(a.packages, w)
		if err := elements(a.s, a.suggestion); err != nil {
			return err
		}
	}
	return a.bounded()
}

func (a *advisories) suggestion() (err error) {
	if string(a.s.Name()) == "reboot_suggested" {
		var set bool
		if set, err = flag(a.s); set {
			a.packages[len(a.packages)-1].reboot = true
		}
	}
	return err
}

// flag reads an element that is set by being there, unless it says it is not.
func flag(s *xmlscan.Scanner) (bool, error) {
	var value string
	err := text(s, &value)
	switch value {
	case "0", "False", "false", "no":
		return false, err
	}
	return true, err
}

// tell makes the advisory that was read and hands it over.
func (a *advisories) tell(each func(*Advisory)) {
	all := string(a.keep)
	of := &a.advisory
	*of = Advisory{
		ID: a.id.of(all), Title: a.title.of(all), Type: a.kind.of(all), Severity: a.severity.of(all),
		Issued: date(a.issued.of(all)), Updated: date(a.updated.of(all)),
		CVEs: of.CVEs[:0], Packages: of.Packages[:0], RebootSuggested: a.reboot,
	}
	for _, cve := range a.cves {
		of.CVEs = append(of.CVEs, cve.of(all))
	}
	for _, w := range a.packages {
		b := w.available(all)
		p := AdvisoryPackage{Name: b.Name, Arch: b.Arch, EVR: b.EVR, Epoch: b.Epoch, Version: b.Version, Release: b.Release, RebootSuggested: w.reboot}
		if w.module > 0 {
			m := a.modules[w.module-1]
			p.Module = Module{m[0].of(all), m[1].of(all), m[2].of(all), m[3].of(all), m[4].of(all)}
		}
		of.RebootSuggested = of.RebootSuggested || w.reboot
		of.Packages = append(of.Packages, p)
	}
	each(of)
}
