package updates

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"seawall/pkg/apt"
	"seawall/pkg/apt/conf"
	"seawall/pkg/apt/origin"
	"seawall/pkg/text"
)

const (
	sourcesList = "/etc/apt/sources.list"
	listsDir    = "/var/lib/apt/lists/"
	lsbRelease  = "/etc/lsb-release"
)

// origins asks whether unattended-upgrade may install what the security pockets
// offer.
func (r *reader) origins(tree *conf.Tree) {
	p := &r.f.Configured
	patterns, bad := r.patterns(tree)
	if bad != nil {
		p.see(bad.File, bad.Line, bad.String())
		p.answer(true, false, "unattended-upgrade cannot read %s", bad)
		return
	}
	pockets, err := r.pockets()
	if err != nil {
		p.answer(false, false, "%v", err)
		return
	}
	if len(pockets) == 0 {
		p.answer(false, false, "no security pocket is known for this host")
		return
	}
	for _, pocket := range pockets {
		known, covered := true, false
		for _, pattern := range patterns {
			switch ok, sure := pattern.Matches(pocket); {
			case ok && !covered:
				covered = true
				p.see(pattern.File, pattern.Line, pattern.Setting.String()+" covers "+pocket.String())
			case !sure:
				known = false
			}
		}
		if !covered {
			p.answer(known, false, "no origin that unattended-upgrade may install from covers %s", pocket)
			return
		}
	}
	if p.Answer.Reason == "" {
		p.answer(true, true, "unattended-upgrade may install from every security pocket")
	}
}

// pattern is an allowed origin and where it stands.
type pattern struct {
	Setting
	origin.Pattern
}

// patterns reads Allowed-Origins and Origins-Pattern, or returns the one on which
// unattended-upgrade would end.
func (r *reader) patterns(tree *conf.Tree) (all []pattern, bad *Setting) {
	d := r.distribution()
	for _, list := range []struct {
		name  string
		parse func(string, origin.Distribution) (origin.Pattern, bool)
	}{{upgrade + "Allowed-Origins", origin.Allowed}, {upgrade + "Origins-Pattern", origin.Parse}} {
		for _, v := range tree.List(list.name) {
			s := Setting{list.name, v.Text, true, v.File, v.Line}
			r.setting(s)
			p, ok := list.parse(v.Text, d)
			if !ok {
				return nil, &s
			}
			all = append(all, pattern{s, p})
		}
	}
	return all, nil
}

// distribution is what lsb_release says: its own file, or os-release with the id's
// first letter made a capital.
func (r *reader) distribution() origin.Distribution {
	d := origin.Distribution{ID: r.os.ID, Codename: r.os.Codename}
	if d.ID != "" {
		d.ID = strings.ToUpper(d.ID[:1]) + d.ID[1:]
	}
	b, err := r.root.ReadFile(lsbRelease, 0)
	if err != nil {
		return d
	}
	return d.LSB(b)
}

// pockets are the security pockets among the host's sources, each component by
// itself, or the vendor's where no list of one is on disk.
func (r *reader) pockets() ([]origin.Archive, error) {
	names, err := r.sourceFiles()
	if err != nil {
		return nil, err
	}
	var all []origin.Archive
	for _, name := range names {
		b, err := r.root.ReadFile(name, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read apt's sources: %w", err)
		}
		sources, err := apt.ParseSources(name, b)
		if err != nil {
			return nil, fmt.Errorf("read apt's sources: %w", err)
		}
		for i := range sources {
			all = append(all, r.pocketsOf(&sources[i])...)
		}
	}
	if len(all) == 0 {
		return r.vendors(), nil
	}
	return all, nil
}

func (r *reader) sourceFiles() ([]string, error) {
	const dir = sourcesList + ".d"
	files := []string{sourcesList}
	names, err := r.root.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read apt's sources: %w", err)
	}
	for _, n := range names {
		if apt.ConfigName(n, "list", "sources") {
			files = append(files, dir+"/"+n)
		}
	}
	return files, nil
}

func (r *reader) pocketsOf(s *apt.Source) []origin.Archive {
	for _, name := range s.ReleaseFiles("amd64") {
		f, _, err := r.root.OpenFile(listsDir + name)
		if err != nil {
			continue
		}
		release, err := apt.ParseRelease(f)
		f.Close()
		if err != nil || !release.Security() {
			return nil
		}
		var all []origin.Archive
		for _, component := range s.Components {
			all = append(all, origin.Archive{"origin": clean(release.Origin), "label": clean(release.Label), "archive": clean(release.Suite),
				"codename": clean(release.Codename), "site": clean(s.Site()), "component": clean(component)})
		}
		return all
	}
	return nil
}

func clean(s string) string { return text.Clean(s, maxWord) }

// vendors is what the vendor writes into its security pocket's Release file. The
// suite of Debian's changes with the years, the site is the host's choice.
func (r *reader) vendors() []origin.Archive {
	if r.os.Codename == "" {
		return nil
	}
	switch r.os.ID {
	case "debian":
		return []origin.Archive{{"origin": "Debian", "label": "Debian-Security", "codename": r.os.Codename + "-security", "component": "main"}}
	case "ubuntu":
		return []origin.Archive{{"origin": "Ubuntu", "label": "Ubuntu", "archive": r.os.Codename + "-security", "codename": r.os.Codename, "component": "main"}}
	}
	return nil
}
