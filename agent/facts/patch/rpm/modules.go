package rpm

import (
	"io"
	"strings"

	"seawall/pkg/dnf"
	"seawall/pkg/repodata"
	"seawall/pkg/rpmdb"
)

// modules is what the repositories say of modules, and which of them are active.
type modules struct {
	builds   []build
	defaults map[string]string // module → stream; "" where repositories differ
	active   map[stream]bool
	// artifacts are the builds that belong to modules, true where to an active one.
	artifacts map[string]bool
	// names of packages in active modules: only modules may offer them.
	names map[string]bool
	kept  int // bytes
}

// stream is one context of a module's stream.
type stream struct{ name, stream, context string }

// build is a module's build with those of its packages that are of interest.
type build struct {
	stream
	version   string
	artifacts []string
}

// read reads a modules.yaml. Only packages that want accepts are kept.
func (m *modules) read(in io.Reader, want func([]byte) bool) error {
	if m.defaults == nil {
		m.defaults = map[string]string{}
	}
	err := repodata.ScanModules(full{in, &m.kept}, func(b *repodata.ModuleBuild) {
		if m.kept += moduleSize + len(b.Name) + len(b.Stream) + len(b.Context) + len(b.Version); m.kept > maxKept {
			return
		}
		out := build{stream: stream{b.Name, b.Stream, b.Context}, version: b.Version}
		for _, a := range b.Artifacts {
			if name, source := artifactName(a); !source && want([]byte(name)) {
				if !strings.Contains(a[len(name):], ":") {
					a = name + "-0:" + a[len(name)+1:]
				}
				out.artifacts = append(out.artifacts, a)
				m.kept += stringSize + len(a)
			}
		}
		m.builds = append(m.builds, out)
	}, func(d repodata.ModuleDefault) {
		if m.kept += moduleSize + len(d.Name) + len(d.Stream); m.kept > maxKept {
			return
		}
		if have, ok := m.defaults[d.Name]; ok && have != d.Stream {
			d.Stream = ""
		}
		m.defaults[d.Name] = d.Stream
	})
	if err == nil && m.kept > maxKept {
		err = errTooMuch
	}
	return err
}

const (
	moduleSize  = 256 // of a build or a default, beside its strings
	maxContexts = 16  // of a stream that packages are installed from
)

// artifactName is the name in "name-epoch:version-release.arch".
func artifactName(a string) (name string, source bool) {
	source = strings.HasSuffix(a, ".src") || strings.HasSuffix(a, ".nosrc")
	for range 2 {
		i := strings.LastIndexByte(a, '-')
		if i < 0 {
			return "", source
		}
		a = a[:i]
	}
	return a, source
}

// settle decides which modules are active: by what was chosen and what is default,
// and among the contexts of a stream by what is installed.
func (m *modules) settle(chosen []dnf.Module, installed map[stream]bool) {
	choice := make(map[string]dnf.Module, len(chosen))
	for _, c := range chosen {
		choice[c.Name] = c
	}
	others := m.otherContexts(installed)
	m.active, m.artifacts, m.names = map[stream]bool{}, map[string]bool{}, map[string]bool{}
	for i := range m.builds {
		b := &m.builds[i]
		c := choice[b.name]
		active := c.State == "enabled" && c.Stream == b.stream.stream
		if c.State == "" {
			active = m.defaults[b.name] == b.stream.stream && b.stream.stream != ""
		}
		active = active && !others[b.stream]
		if active {
			m.active[b.stream] = true
		}
		for _, a := range b.artifacts {
			m.artifacts[a] = m.artifacts[a] || active
			if active {
				name, _ := artifactName(a)
				m.names[name] = true
			}
		}
	}
	m.builds = nil
}

// otherContexts are those that were built beside a context that is installed, each
// time: the same module against another stream of what it depends on. Their builds
// have other releases, by which the host's would never be new enough. A context
// that is built alone took the place of the one before.
func (m *modules) otherContexts(installed map[stream]bool) map[stream]bool {
	versions := map[stream]map[string]bool{}
	for i := range m.builds {
		b := &m.builds[i]
		if versions[b.stream] == nil {
			versions[b.stream] = map[string]bool{}
		}
		versions[b.stream][b.version] = true
	}
	contexts := map[stream][]stream{}
	for s := range installed {
		if key := (stream{s.name, s.stream, ""}); len(versions[s]) > 0 && len(contexts[key]) < maxContexts {
			contexts[key] = append(contexts[key], s)
		}
	}
	out := map[stream]bool{}
	for s, own := range versions {
		if installed[s] {
			continue
		}
		for _, have := range contexts[stream{s.name, s.stream, ""}] {
			beside := 0
			for v := range own {
				if versions[have][v] {
					beside++
				}
			}
			out[s] = out[s] || beside == len(own)
		}
	}
	return out
}

// installedModules are the contexts that installed packages came from, by the
// label "name:stream:version:context".
func installedModules(packages []rpmdb.Package) map[stream]bool {
	out := map[stream]bool{}
	for i := range packages {
		if c := strings.Split(packages[i].ModularityLabel, ":"); len(c) == 4 {
			out[stream{c[0], c[1], c[3]}] = true
		}
	}
	return out
}

// applies reports whether an advisory's collection for a module counts.
func (m *modules) applies(of *repodata.Module) bool {
	return of.Name == "" || m.active[stream{of.Name, of.Stream, of.Context}]
}

// offers reports whether modules leave a build in what its repository offers.
func (m *modules) offers(p *repodata.Available) bool {
	if len(m.artifacts) == 0 {
		return true
	}
	active, modular := m.artifacts[p.Name+"-"+p.EVR+"."+p.Arch]
	return active || !modular && !m.names[p.Name]
}
