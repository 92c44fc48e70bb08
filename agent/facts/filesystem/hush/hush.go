// Package hush keeps the secrets in lines of fstab out of facts.
package hush

import (
	"slices"
	"strings"

	"seawall/pkg/mounts"
	"seawall/pkg/redact"
	"seawall/pkg/text"
)

const maxName = 512 // bytes

// hidden stands for the value of a secret.
const hidden = "…"

// Entry finds an option of fstab that holds a secret, and returns its name and the
// line without its value.
func Entry(e *mounts.Entry) (name, raw string) {
	if e.Source == "" {
		// Not taken apart: no telling what is in it.
		return "", text.Clean(e.Problem, maxName)
	}
	options := strings.Split(e.Options, ",")
	for i, o := range options {
		key, value, ok := strings.Cut(o, "=")
		if ok && value != "" && slices.Contains([]string{"password", "pass", "passwd", "password2", "pw", "secret", "secretkey",
			"passphrase", "passwd_plain", "ecryptfs_passwd"}, strings.ToLower(strings.TrimSpace(key))) {
			name = key
			options[i] = key + "=" + hidden
		}
	}
	source := Source(e.Source)
	if source != e.Source && name == "" {
		name = "the source"
	}
	return text.Clean(name, maxName), text.Clean(strings.Join([]string{source, e.Path, redact.Text(e.Type), strings.Join(options, ",")}, " "), maxName)
}

// Source cuts the password out of a source such as ftp://user:password@host.
func Source(source string) string {
	scheme, rest, ok := strings.Cut(source, "//")
	if !ok {
		return source
	}
	authority, tail, _ := strings.Cut(rest, "/")
	at := strings.LastIndexByte(authority, '@')
	user, _, hasPassword := strings.Cut(authority[:max(at, 0)], ":")
	if at < 0 || !hasPassword {
		return source
	}
	out := scheme + "//" + user + ":" + hidden + authority[at:]
	if len(authority) < len(rest) {
		out += "/" + tail
	}
	return out
}
