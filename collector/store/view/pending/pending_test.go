package pending

import (
	"strings"
	"testing"

	"seawall/collector/advisory"
	"seawall/collector/fleet"
	"seawall/collector/store/view/pick"
)

// TestRefused: what cannot be asked is refused before anything is read. What is answered is
// tested on both stores by package view.
func TestRefused(t *testing.T) {
	u := New(nil)
	long, many := strings.Repeat("x", pick.MaxText+1), make([]string, pick.MaxScope+1)
	for name, ask := range map[string]func() error{
		"packages of a long text":     func() error { _, err := u.Packages(t.Context(), fleet.PackageQuery{Text: long}); return err },
		"packages of a large scope":   func() error { _, err := u.Packages(t.Context(), fleet.PackageQuery{Scope: many}); return err },
		"advisories of a long text":   func() error { _, err := u.Advisories(t.Context(), advisory.Query{Text: long}); return err },
		"advisories of a large scope": func() error { _, err := u.Advisories(t.Context(), advisory.Query{Scope: many}); return err },
		"hosts of a large scope":      func() error { _, err := u.Advised(t.Context(), advisory.HostQuery{Scope: many}); return err },
	} {
		if ask() == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
