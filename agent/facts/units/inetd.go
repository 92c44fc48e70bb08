package units

import (
	"errors"
	"path"
	"strings"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
	"seawall/pkg/redact"
	"seawall/pkg/text"
)

const (
	inetdConf  = "/etc/inetd.conf"
	xinetdConf = "/etc/xinetd.conf"
	xinetdDir  = "/etc/xinetd.d"
	maxInetd   = 500 // entries, and files of xinetd.d
	maxWord    = 256 // bytes of what is shown, or of a name
)

// superServers returns the entries of inetd and xinetd, and why these are not all.
func superServers(root hostfs.Root) ([]Inetd, error) {
	entries := []Inetd{}
	b, err := root.ReadFile(inetdConf, 0)
	if err == nil {
		entries = parseInetd(inetdConf, b)
	} else if !missing(err) {
		return nil, err
	}
	more := false
	files := []string{xinetdConf}
	names, err := root.ReadDir(xinetdDir)
	if err != nil && !missing(err) {
		return nil, err
	}
	for _, n := range names {
		// As xinetd.conf(5) says of includedir.
		switch {
		case strings.Contains(n, ".") || strings.HasSuffix(n, "~"):
		case len(files) > maxInetd:
			more = true
		default:
			files = append(files, path.Join(xinetdDir, n))
		}
	}
	for _, file := range files {
		b, err := root.ReadFile(file, 0)
		if missing(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		entries = append(entries, parseXinetd(file, b)...)
	}
	if len(entries) > maxInetd || more {
		return entries[:min(len(entries), maxInetd)], errors.New("it has more entries or files than are looked at")
	}
	return entries, nil
}

// parseInetd reads lines of "service socket protocol wait user program args".
func parseInetd(file string, b []byte) []Inetd {
	all := []Inetd{}
	number := 0
	for line := range strings.Lines(string(b)) {
		number++
		fields := strings.Fields(line)
		if len(fields) < 6 || strings.HasPrefix(fields[0], "#") || len(all) > maxInetd { // one more says that there are more
			continue
		}
		name := fields[0]
		if _, after, ok := strings.Cut(name, ":"); ok { // address:service
			name = after
		}
		all = append(all, Inetd{Service: text.Clean(name, maxWord), File: file, Line: number, Raw: text.Clean(redact.Text(strings.TrimSpace(line)), maxWord)})
	}
	return all
}

// parseXinetd reads blocks of "service NAME { disable = no }". A service is on
// unless it is disabled.
func parseXinetd(file string, b []byte) []Inetd {
	all := []Inetd{}
	number, on := 0, false
	var now *Inetd
	for line := range strings.Lines(string(b)) {
		number++
		line = strings.TrimSpace(line)
		fields := strings.Fields(line)
		switch {
		case line == "" || line[0] == '#':
		case fields[0] == "service" && len(fields) > 1:
			now, on = &Inetd{Service: text.Clean(fields[1], maxWord), File: file, Line: number, Raw: text.Clean(line, maxWord)}, true
		case line[0] == '}':
			if now != nil && on && len(all) <= maxInetd {
				all = append(all, *now)
			}
			now = nil
		case now != nil:
			key, value, ok := strings.Cut(line, "=")
			value = strings.TrimSpace(value)
			switch key = strings.TrimSpace(key); {
			case !ok:
			case key == "disable":
				on = value != "yes"
			case key == "id": // two services of a port have names of their own
				now.Raw = text.Clean("service "+now.Service+", id "+value, maxWord)
			}
		}
	}
	return all
}

func depends(m *fact.Meta) {
	m.Depend(inetdConf, xinetdConf, xinetdDir+"/")
}
