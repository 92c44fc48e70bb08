package post

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"seawall/pkg/text"
)

// secretBytes is the length from which a word of a URL or of a header is taken for a
// secret of its own.
const secretBytes = 8

// quote returns what the receiver said of its refusal, unless that repeats a secret.
func (s *Sender) quote(said []byte) string {
	quoted := text.Clean(text.Terminal(strings.TrimSpace(text.Clean(said, maxDetail))), maxDetail)
	u, err := url.Parse(s.cfg.URL)
	if quoted == "" || err != nil || slices.ContainsFunc(s.secrets(u), func(word string) bool { return strings.Contains(string(said), word) }) {
		return ""
	}
	return ": " + quoted
}

// secrets returns what no quotation may have: the values that are secret, and the longer
// words of them, of which receivers like to repeat one.
func (s *Sender) secrets(u *url.URL) (all []string) {
	values := []string{string(s.cfg.Secret), base64.StdEncoding.EncodeToString(s.cfg.Secret), base64.RawURLEncoding.EncodeToString(s.cfg.Secret), u.RawQuery}
	for _, path := range []string{u.Path, u.EscapedPath()} {
		if len(path) > 1 {
			values = append(values, path)
		}
	}
	for _, given := range u.Query() {
		values = append(values, given...)
	}
	if password, ok := u.User.Password(); ok {
		values = append(values, u.User.String(), password)
	}
	for _, value := range s.cfg.Headers {
		values = append(values, value)
	}
	for _, value := range values {
		words := strings.FieldsFunc(value, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '_' })
		all = append(all, slices.DeleteFunc(words, func(word string) bool { return len(word) < secretBytes })...)
		if value != "" {
			all = append(all, value)
		}
	}
	return all
}
