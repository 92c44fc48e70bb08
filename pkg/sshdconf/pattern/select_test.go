package pattern

import (
	"slices"
	"strings"
	"testing"
)

func TestSelect(t *testing.T) {
	def, known := []string{"a1", "b1"}, []string{"b1", "a1", "a2", "c"}
	for _, c := range []struct {
		in, want string
		ok       bool
	}{
		{"c,a1", "c,a1", true},
		{"c,c", "c", true},
		{"a*", "a1,a2", true},
		{"+c", "a1,b1,c", true},
		{"+a1", "a1,b1", true},
		{"-b*", "a1", true},
		{"-*", "", true},
		{"^c,b1", "c,b1,a1", true},
		{"nosuch", "", false},
		{"c,!a1", "", false},
	} {
		got, ok := Select(c.in, slices.Clone(def), known)
		if strings.Join(got, ",") != c.want && ok || ok != c.ok {
			t.Errorf("Select(%q) = %q, %v; want %q, %v", c.in, got, ok, c.want, c.ok)
		}
	}
}

func TestKnown(t *testing.T) {
	known := []string{"ssh-rsa", "ssh-ed25519"}
	for _, c := range []struct {
		names         string
		wildcard, yes bool
	}{
		{"ssh-rsa", false, true}, {"ssh-*", false, false}, {"ssh-*", true, true}, {"x*", true, false},
		{"", true, false}, {"ssh-rsa,,nosuch", false, true}, {"ssh-rsa,nosuch", false, false}, {"!ssh-rsa", true, true},
	} {
		if got := Known(c.names, known, c.wildcard); got != c.yes {
			t.Errorf("Known(%q, wildcards %v) = %v", c.names, c.wildcard, got)
		}
	}
}
