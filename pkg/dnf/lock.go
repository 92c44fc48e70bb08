package dnf

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"seawall/pkg/dnf/ini"
	"seawall/pkg/nevra"
	"seawall/pkg/pkgver"
	"seawall/pkg/toml"
)

// locks are the version locks: the list of dnf 4's plugin, and dnf 5's file.
type locks struct {
	list    []*rule // of both kinds
	exclude map[*rule]bool
	file    []lock
}

// lock is one entry of versionlock.toml: packages of that name must meet the
// conditions, of one entry all and of some entry.
type lock struct {
	Rule
	name       string
	conditions []condition
}

type condition struct{ key, comparator, value string }

// maxLocks bounds the entries of either file.
const maxLocks = 10_000

// readLocks reads both. dnf 4's plugin is used where it is configured and neither
// it nor plugins as such are turned off.
func (l *loader) readLocks(main *ini.Section) {
	l.locks.exclude = make(map[*rule]bool)
	dirs := ini.List(main.Value("pluginconfpath"))
	if len(dirs) == 0 {
		dirs = []string{"/etc/dnf/plugins"}
	}
	for _, dir := range dirs {
		sections, ok := l.ini(dir + "/versionlock.conf")
		if !ok || !isTrue(main.Value("plugins"), true) {
			continue
		}
		for i := range sections {
			s := &sections[i]
			if s.Name == "main" && isTrue(s.Value("enabled"), true) && s.Value("locklist") != "" {
				l.readLockList(s.Value("locklist"))
			}
		}
	}
	l.readLockFile("/etc/dnf/versionlock.toml")
}

func (l *loader) readLockList(file string) {
	text, err := l.read(file)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			l.problem("%v", err) // the plugin wants it
		}
		return
	}
	number := 0
	for raw := range strings.Lines(text) {
		number++
		t := strings.TrimSpace(raw)
		if raw[0] == '#' || t == "" {
			continue
		}
		spec, not := strings.CutPrefix(t, "!")
		p := nevra.Lock(spec)
		if p.Empty() || len(t) > maxPattern || len(l.locks.list) == maxLocks {
			l.problem("%s line %d: no lock can be made of it", file, number)
			continue
		}
		r := &rule{Rule{file, number, t, true}, p}
		l.locks.list = append(l.locks.list, r)
		l.locks.exclude[r] = not
	}
}

func (l *loader) readLockFile(file string) {
	text, err := l.read(file)
	if err != nil {
		return // l.read told of all but absence
	}
	root, err := toml.Parse(text)
	if err != nil {
		l.problem("%s: %v", file, err)
		return
	}
	if v := root.Text("version"); v != "1.0" {
		l.problem("%s: version %q is not known", file, v)
		return
	}
	for _, t := range root.Tables("packages") {
		k := lock{Rule: Rule{file, t.Line, "", true}, name: t.Text("name")}
		valid := k.name != "" && len(k.name) <= maxPattern && len(l.locks.file) < maxLocks
		for _, c := range t.Tables("conditions") {
			k.conditions = append(k.conditions, condition{c.Text("key"), c.Text("comparator"), c.Text("value")})
			valid = valid && k.conditions[len(k.conditions)-1].valid()
		}
		if !valid || len(k.conditions) == 0 {
			l.problem("%s line %d: no lock can be made of it", file, t.Line)
			continue
		}
		k.Text = k.String()
		l.locks.file = append(l.locks.file, k)
	}
}

// String writes the entry as dnf lists it, on one line.
func (k *lock) String() string {
	var out strings.Builder
	out.WriteString(k.name)
	for _, c := range k.conditions {
		fmt.Fprintf(&out, " %s %s %s", c.key, c.comparator, c.value)
	}
	return out.String()[:min(out.Len(), maxPattern)]
}

// valid is what dnf 5 accepts.
func (c condition) valid() bool {
	_, err := strconv.ParseUint(c.value, 10, 64)
	switch c.comparator {
	case "=", "==", "!=", "<>":
	case "<", "<=", ">", ">=":
		if c.key == "arch" {
			return false
		}
	default:
		return false
	}
	return c.value != "" && (c.key == "evr" || c.key == "arch" || c.key == "epoch" && err == nil)
}

func (c condition) holds(b nevra.Package, evr string) bool {
	var order int
	switch c.key {
	case "evr":
		order = pkgver.RPM(evr, c.value)
	case "arch":
		order = strings.Compare(b.Arch, c.value)
	case "epoch":
		order = pkgver.RPMPart(b.Epoch, c.value)
	}
	switch c.comparator {
	case "=", "==":
		return order == 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	}
	return order != 0
}

// excluded reports which lock keeps the build away.
func (l *locks) excluded(b nevra.Package, evr string) (by Rule, ok bool) {
	if by, ok = l.byList(b); ok {
		return by, true
	}
	return l.byFile(b, evr)
}

// byList is excluded by the list of dnf 4.
func (l *locks) byList(b nevra.Package) (by Rule, ok bool) {
	allowed := false
	for _, r := range l.list {
		switch {
		case l.exclude[r]:
			if r.pattern.Matches(b) {
				return r.Rule, true
			}
		case r.pattern.Matches(b):
			allowed = true
		case !ok && r.pattern.Names(b.Name):
			by, ok = r.Rule, true
		}
	}
	if ok && !allowed {
		return by, true
	}
	return Rule{}, false
}

// byFile is excluded by the file of dnf 5.
func (l *locks) byFile(b nevra.Package, evr string) (by Rule, ok bool) {
	allowed := false
	for i := range l.file {
		k := &l.file[i]
		if !nevra.Glob(k.name, b.Name) {
			continue
		}
		meets := true
		for _, c := range k.conditions {
			meets = meets && c.holds(b, evr)
		}
		allowed = allowed || meets
		if !ok {
			by, ok = k.Rule, true
		}
	}
	if ok && !allowed {
		return by, true
	}
	return Rule{}, false
}
