package rpm

import (
	"io"
	"strings"

	"seawall/pkg/dnf"
	"seawall/pkg/repodata"
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
}

// stream is one context of a module's stream.
type stream struct{ name, stream, context string }

// build is a module's build with those of its packages that are of interest.
type build struct {
	stream
	artifacts []string
}

// read reads a modules.yaml. Only packages that want accepts are kept.
func (m *modules) read(in io.Reader, want func([]byte) bool) error {
	if m.defaults == nil {
		m.defaults = map[string]string{}
	}
	return repodata.ScanModules(in, func(b *repodata.ModuleBuild) {
		out := build{stream: stream{b.Name, b.Stream, b.Context}}
		for _, a := range b.Artifacts {
			if name, source := artifactName(a); !source && want([]byte(name)) {
				if !strings.Contains(a[len(name):], ":") {
					a = name + "-0:" + a[len(name)+1:]
				}
				out.artifacts = append(out.artifacts, a)
			}
		}
		m.builds = append(m.builds, out)
	}, func(d repodata.ModuleDefault) {
		if have, ok := m.defaults[d.Name]; ok && have != d.Stream {
			d.Stream = ""
		}
		m.defaults[d.Name] = d.Stream
	})
}

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

// settle decides which modules are active.
func (m *modules) settle(chosen []dnf.Module) {
	choice := make(map[string]dnf.Module, len(chosen))
	for _, c := range chosen {
		choice[c.Name] = c
	}
	m.active, m.artifacts, m.names = map[stream]bool{}, map[string]bool{}, map[string]bool{}
	for i := range m.builds {
		b := &m.builds[i]
		c := choice[b.name]
		active := c.State == "enabled" && c.Stream == b.stream.stream
		if c.State == "" {
			active = m.defaults[b.name] == b.stream.stream && b.stream.stream != ""
		}
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
