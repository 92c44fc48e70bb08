package algorithm

import (
	"slices"
	"strings"
	"testing"
)

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
