// Package method judges sshd's AuthenticationMethods: lists of methods, of which
// one list must be passed as a whole.
package method

import (
	"fmt"
	"slices"
	"strings"
)

// keywords maps a method to the keyword that enables it; "none" needs none.
func keywords() map[string]string {
	return map[string]string{
		"none": "", "publickey": "pubkeyauthentication", "gssapi-keyex": "gssapikeyexchange",
		"gssapi-with-mic": "gssapiauthentication", "password": "passwordauthentication",
		"keyboard-interactive": "kbdinteractiveauthentication", "hostbased": "hostbasedauthentication",
	}
}

// names yields the methods of a list, without what follows a colon.
func names(list string) []string {
	out := strings.Split(list, ",")
	for i, name := range out {
		out[i], _, _ = strings.Cut(name, ":")
	}
	return out
}

// Bad says what is wrong with a list, in sshd's words; empty is nothing.
func Bad(list string) string {
	if list == "" {
		return "empty authentication method list"
	}
	for _, name := range names(list) {
		if _, ok := keywords()[name]; !ok {
			return "Unknown authentication method \"" + name + "\" in list"
		}
	}
	return ""
}

// Disabled says why no list can be passed, in sshd's words, given what each
// keyword is set to; empty means that one can, or that any method will do.
func Disabled(lists []string, value func(keyword string) string) string {
	if slices.Equal(lists, []string{"any"}) {
		return ""
	}
	var said []string
	for _, list := range lists {
		i := slices.IndexFunc(names(list), func(name string) bool {
			keyword := keywords()[name]
			return keyword != "" && value(keyword) != "yes"
		})
		if i < 0 {
			return ""
		}
		said = append(said, fmt.Sprintf("Disabled method \"%s\" in AuthenticationMethods list \"%s\"", names(list)[i], list))
	}
	said = append(said, "AuthenticationMethods cannot be satisfied by enabled authentication methods")
	return strings.Join(said, "\n")
}
