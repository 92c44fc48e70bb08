package near

import (
	"fmt"
	"strings"
	"testing"
)

func TestUnknown(t *testing.T) {
	few := []string{"ssh-ciphers", "ssh", "patch-security-updates"}
	many := few
	for i := range 20 {
		many = append(many, fmt.Sprintf("audit-%032d", i))
	}
	long := strings.Repeat("x", 1<<20)
	for _, tt := range []struct {
		known      []string
		name, want string
	}{
		{few, "ssh-cipher", `no check is called "ssh-cipher"; did you mean "ssh-ciphers"?`},
		{few, "SSH-ciphers", `no check is called "SSH-ciphers"; did you mean "ssh-ciphers"?`},
		{few, "security-updates", `no check is called "security-updates"; did you mean "patch-security-updates"?`},
		{few, "zzzz", `no check is called "zzzz"; there are: ssh-ciphers, ssh, patch-security-updates`},
		{many, "zzzz", `no check is called "zzzz"`},
		{many, "", `no check is called ""`},
		{many, long, `no check is called "` + long[:197] + `…"`},
		{many, "a\nb\x1b\xff", `no check is called "a\nb\x1b\xff"`},
		{nil, "x", `no check is called "x"; there are none`},
	} {
		if got := Unknown("check", tt.name, tt.known).Error(); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

func TestHint(t *testing.T) {
	for name, want := range map[string]string{"pas": `; did you mean "pass"?`, "zzz": "", "": ""} {
		if got := Hint(name, []string{"actual", "pass"}); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"abc", "abc", 0}, {"abcd", "bcd", 1},
		{strings.Repeat("a", 101), "a", 101}, // not worth the work
	} {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("%q to %q: got %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
