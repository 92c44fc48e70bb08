package distro

import (
	"slices"
	"strings"
)

// Files are the places of os-release, the preferred one first.
func Files() []string { return []string{"/etc/os-release", "/usr/lib/os-release"} }

// OS is what os-release says.
type OS struct {
	ID         string
	Like       []string // ID_LIKE
	VersionID  string
	Codename   string // VERSION_CODENAME
	Name       string // NAME
	PrettyName string
	SupportEnd string // SUPPORT_END as written
}

// ParseOS parses os-release. As systemd does, it passes over lines that are no
// assignment; what is not set stays empty.
func ParseOS(text []byte) OS {
	var o OS
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		value = unquote(value)
		switch name {
		case "ID":
			o.ID = strings.ToLower(value)
		case "ID_LIKE":
			o.Like = strings.Fields(strings.ToLower(value))
		case "VERSION_ID":
			o.VersionID = value
		case "VERSION_CODENAME":
			o.Codename = value
		case "NAME":
			o.Name = value
		case "PRETTY_NAME":
			o.PrettyName = value
		case "SUPPORT_END":
			o.SupportEnd = value
		}
	}
	return o
}

// unquote takes the quotes of a shell assignment off. Within double quotes a
// backslash takes the meaning of the next character.
func unquote(s string) string {
	if len(s) < 2 || s[0] != s[len(s)-1] || s[0] != '"' && s[0] != '\'' {
		return s
	}
	quote := s[0]
	s = s[1 : len(s)-1]
	if quote == '\'' || !strings.Contains(s, `\`) {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

// Family is the distribution whose package manager and layout this one shares:
// debian, rhel, fedora, suse, arch, alpine, or "" for any other.
func (o OS) Family() string {
	for _, id := range append([]string{o.ID}, o.Like...) {
		switch id {
		case "debian", "ubuntu":
			return "debian"
		case "rhel", "centos", "almalinux", "rocky", "ol":
			return "rhel"
		case "suse", "opensuse", "sles", "opensuse-leap", "opensuse-tumbleweed":
			return "suse"
		case "fedora", "arch", "alpine":
			// "rhel centos fedora" is how the rebuilds of RHEL write ID_LIKE.
			if id == "fedora" && slices.Contains(o.Like, "rhel") {
				return "rhel"
			}
			return id
		}
	}
	return ""
}

// key is the distribution's id in the table. CentOS Stream and CentOS Linux
// share an ID.
func (o OS) key() string {
	if o.ID == "centos" && strings.Contains(o.Name, "Stream") {
		return "centos-stream"
	}
	return o.ID
}
