package algorithm

import (
	"slices"
	"strings"
	"testing"
)

func TestAssemble(t *testing.T) {
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
		got, ok := Assemble(c.in, slices.Clone(def), known)
		if strings.Join(got, ",") != c.want && ok || ok != c.ok {
			t.Errorf("Assemble(%q) = %q, %v; want %q, %v", c.in, got, ok, c.want, c.ok)
		}
	}
}

func TestValid(t *testing.T) {
	known := []string{"ssh-rsa", "ssh-ed25519"}
	for _, c := range []struct {
		names         string
		wildcard, yes bool
	}{
		{"ssh-rsa", false, true}, {"ssh-*", false, false}, {"ssh-*", true, true}, {"x*", true, false},
		{"", true, false}, {"ssh-rsa,,nosuch", false, true}, {"ssh-rsa,nosuch", false, false}, {"!ssh-rsa", true, true},
	} {
		if got := Valid(c.names, known, c.wildcard); got != c.yes {
			t.Errorf("Valid(%q, wildcards %v) = %v", c.names, c.wildcard, got)
		}
	}
}

// Every default is built in, and none stands twice.
func TestDefaultsAreKnown(t *testing.T) {
	for def, known := range map[string]string{
		DefaultCiphers: Ciphers, DefaultMACs: MACs, DefaultKex: Kex, DefaultKeys: Keys, DefaultSignatures: Signatures(),
	} {
		list := strings.Split(def, ",")
		for i, name := range list {
			if !slices.Contains(strings.Split(known, ","), name) || slices.Contains(list[:i], name) {
				t.Errorf("%s is not known or stands twice", name)
			}
		}
	}
}
