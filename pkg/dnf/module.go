package dnf

import (
	"slices"
	"strings"

	"seawall/pkg/toml"
)

// Module is the state of a module on the host.
type Module struct {
	Name, Stream string
	State        string // "enabled", "disabled" or ""
}

// readModules reads the state that dnf 4 keeps, and that of dnf 5, which counts
// where both know a module.
func (l *loader) readModules() {
	for _, file := range l.files([]string{"/etc/dnf/modules.d"}, ".module") {
		sections, _ := l.ini(file)
		for i := range sections {
			s := &sections[i]
			l.addModule(Module{s.Name, s.Value("stream"), strings.ToLower(s.Value("state"))})
		}
	}
	const state = "/usr/lib/sysimage/libdnf5/modules.toml"
	text, err := l.read(state)
	if err != nil {
		return
	}
	root, err := toml.Parse(text)
	if err != nil {
		l.problem("%s: %v", state, err)
		return
	}
	modules, _ := root.Values["modules"].(*toml.Table)
	if modules == nil {
		return
	}
	for name, v := range modules.Values {
		if t, ok := v.(*toml.Table); ok {
			l.addModule(Module{name, t.Text("enabled_stream"), strings.ToLower(t.Text("state"))})
		}
	}
	slices.SortFunc(l.Modules, func(a, b Module) int { return strings.Compare(a.Name, b.Name) })
}

// maxModules bounds the list.
const maxModules = 4096

func (l *loader) addModule(m Module) {
	same := func(other Module) bool { return other.Name == m.Name }
	if i := slices.IndexFunc(l.Modules, same); i >= 0 {
		l.Modules[i] = m
	} else if len(l.Modules) < maxModules {
		l.Modules = append(l.Modules, m)
	}
}
