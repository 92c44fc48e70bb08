package dnf

import (
	"cmp"
	"maps"
	"path"
	"runtime"
	"strings"
)

// vars are the variables that repositories' options may use.
type vars map[string]string

// readVars reads the variables that files define, the last folder's counting most.
func (l *loader) readVars(dirs []string) vars {
	v := make(vars)
	for _, dir := range dirs {
		names, err := l.list(dir)
		if err != nil {
			continue
		}
		for _, name := range names {
			if strings.Trim(name, letters+"_") != "" {
				continue
			}
			text, err := l.read(path.Join(dir, name))
			if err != nil {
				continue
			}
			value, _, _ := strings.Cut(text, "\n")
			v[name] = strings.TrimSpace(value)
		}
	}
	v["arch"], v["basearch"] = l.arch()
	return v
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// arch is the host's architecture and its base: what rpm was told, else that of
// this program, which runs on the host or on one of its kind.
func (l *loader) arch() (arch, base string) {
	if text, err := l.read("/etc/rpm/platform"); err == nil {
		arch, _, _ = strings.Cut(strings.TrimSpace(text), "-")
	}
	if arch == "" {
		arch = map[string]string{"amd64": "x86_64", "arm64": "aarch64", "386": "i686"}[runtime.GOARCH]
	}
	arch = cmp.Or(arch, runtime.GOARCH)
	switch arch {
	case "i386", "i486", "i586", "i686", "athlon", "geode":
		return arch, "i386"
	case "amd64", "ia32e":
		return arch, "x86_64"
	}
	return arch, arch
}

// releases are the values that $releasever may have. dnf asks the rpm database for
// the version of what provides system-release; os-release nearly always says the
// same, as a whole or up to the point.
func (l *loader) releases(v vars) []string {
	if r := v["releasever"]; r != "" {
		return []string{r}
	}
	var all []string
	add := func(r string) {
		if r != "" {
			all = append(all, r)
		}
	}
	for _, name := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		text, err := l.read(name)
		if err != nil {
			continue
		}
		fields := make(map[string]string)
		for raw := range strings.Lines(text) {
			if key, value, found := strings.Cut(strings.TrimSpace(raw), "="); found {
				fields[key] = strings.Trim(value, `"'`)
			}
		}
		major, _, _ := strings.Cut(fields["VERSION_ID"], ".")
		add(major)
		if fields["VERSION_ID"] != major {
			add(fields["VERSION_ID"])
		}
		break
	}
	return append(all, "") // unknown: what uses it is found by its name
}

// with returns the variables for one release.
func (v vars) with(release string) vars {
	if release == "" {
		return v
	}
	all := maps.Clone(v)
	all["releasever"] = release
	all["releasever_major"], all["releasever_minor"], _ = strings.Cut(release, ".")
	return all
}

// Bounds of a value, with its variables replaced and before, and of what stands in
// braces behind a variable's name.
const (
	maxValue   = 64 << 10
	maxDefault = 1 << 10
)

// replace puts the values of $name, ${name}, ${name:-default} and ${name:+other}
// into text. What has no value stays as it is.
func (v vars) replace(text string) string {
	if len(text) > maxValue {
		return text
	}
	var out strings.Builder
	for out.Len() < maxValue {
		i := strings.IndexByte(text, '$')
		if i < 0 {
			break
		}
		out.WriteString(text[:i])
		value, n := v.reference(text[i:])
		out.WriteString(value)
		text = text[i+n:]
	}
	out.WriteString(text)
	return out.String()
}

// reference resolves what text begins with, a '$', and returns its length.
func (v vars) reference(text string) (value string, length int) {
	braced := strings.HasPrefix(text, "${")
	from := 1
	if braced {
		from = 2
	}
	to := from
	for to < len(text) && strings.IndexByte(letters+"_", text[to]) >= 0 {
		to++
	}
	name := text[from:to]
	value, known := v[name]
	if !known {
		value, known = v[strings.ToLower(name)]
	}
	if !braced {
		if !known || name == "" {
			return text[:to], to
		}
		return value, to
	}
	end := strings.IndexByte(text[to:min(len(text), to+maxDefault)], '}')
	if end < 0 || name == "" {
		return text[:from], from
	}
	other := text[to : to+end]
	end += to + 1
	if value, ok := instead(other, value, known); ok {
		return value, end
	}
	return text[:end], end
}

// instead is the value of "${NAME:-WORD}" or "${NAME:+WORD}", other being what stands
// behind the name.
func instead(other, value string, known bool) (string, bool) {
	switch {
	case other == "":
		return value, known
	case strings.HasPrefix(other, ":-") && value == "", strings.HasPrefix(other, ":+") && value != "":
		return other[2:], true
	}
	return value, strings.HasPrefix(other, ":-") || strings.HasPrefix(other, ":+")
}
