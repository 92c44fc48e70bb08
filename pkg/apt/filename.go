package apt

import (
	"fmt"
	"slices"
	"strings"
)

// FileName is the name under which apt keeps what it fetched from uri: scheme,
// user and password dropped, unusual bytes as %xx, "/" as "_".
func FileName(uri string) string {
	rest := uri
	if scheme, after, ok := strings.Cut(uri, ":"); ok && !strings.ContainsAny(scheme, "/[") {
		rest = strings.TrimPrefix(after, "//")
		if strings.HasPrefix(after, "//") {
			rest = withoutUser(rest)
			if !strings.Contains(rest, "/") {
				rest += "/"
			}
		}
		if host, path, ok := strings.Cut(rest, "]"); ok && strings.HasPrefix(host, "[") {
			rest = host[1:] + path
		}
	}
	var out strings.Builder
	for i := range len(rest) {
		switch c := rest[i]; {
		case c == '/':
			out.WriteByte('_')
		case c <= ' ' || c >= 0x7f || strings.IndexByte("%\\|{}[]<>\"^~_=!@#$&*", c) >= 0:
			fmt.Fprintf(&out, "%%%02x", c)
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

// withoutUser drops "user:password@" before the host.
func withoutUser(rest string) string {
	host, path, _ := strings.Cut(rest, "/")
	at := strings.LastIndexByte(host, '@')
	if at < 0 {
		return rest
	}
	if path == "" && !strings.Contains(rest, "/") {
		return host[at+1:]
	}
	return host[at+1:] + "/" + path
}

// ConfigName reports whether apt reads a file of this name from one of its ".d"
// directories: one of the extensions ("" for none), and no unusual characters.
func ConfigName(name string, extensions ...string) bool {
	if name == "" || name[0] == '.' {
		return false
	}
	usual := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-:.", r)
	}
	if strings.ContainsFunc(name, func(r rune) bool { return !usual(r) }) {
		return false
	}
	base, ext, dotted := name, "", false
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		base, ext, dotted = name[:i], name[i+1:], true
	}
	return base != "" && dotted == (ext != "") && slices.Contains(extensions, ext)
}
