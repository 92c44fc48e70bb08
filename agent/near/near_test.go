package near

import (
	"strings"
	"testing"
)

func TestUnknown(t *testing.T) {
	known := []string{"ssh-ciphers", "ssh", "patch-security-updates"}
	for name, want := range map[string]string{
		"ssh-cipher":             `no check is called "ssh-cipher"; did you mean "ssh-ciphers"?`,
		"security-updates":       `no check is called "security-updates"; did you mean "patch-security-updates"?`,
		"zzzz":                   `no check is called "zzzz"`,
		strings.Repeat("x", 200): `no check is called "` + strings.Repeat("x", 200) + `"`,
	} {
		if got := Unknown("check", name, known).Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
