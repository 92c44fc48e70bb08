package console

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"seawall/agent/look"
)

// TestMessages: each of several errors has its line, and none has two.
func TestMessages(t *testing.T) {
	a, b := errors.New("a"), errors.New("b\nseawall: forged")
	for want, err := range map[string]error{
		"seawall: a\n":                   a,
		"seawall: b\\nseawall: forged\n": b,
		"seawall: a\nseawall: b\\nseawall: forged\nseawall: a\n": errors.Join(errors.Join(a, b), a),
		"seawall: load: a\\nb\\nseawall: forged\n":               fmt.Errorf("load: %w", errors.Join(a, b)),
		"seawall: a and b\\nseawall: forged\n":                   fmt.Errorf("%w and %w", a, b),
	} {
		var out strings.Builder
		(&Console{Stderr: &out}).Complain(err)
		if out.String() != want {
			t.Errorf("got  %q\nwant %q", out.String(), want)
		}
	}
}

func TestOptions(t *testing.T) {
	for _, tt := range []struct {
		environ  []string
		terminal bool
		want     bool
	}{
		{nil, true, true}, {nil, false, false}, {[]string{"NO_COLOR=1"}, true, false}, {[]string{"NO_COLOR="}, true, true},
		{[]string{"TERM=dumb"}, true, false},
	} {
		c := Console{Environ: tt.environ, Terminal: tt.terminal, Width: 80}
		if got := c.Options(); got != (look.Options{Color: tt.want, Width: 80}) {
			t.Errorf("%v on a terminal %v: got %+v", tt.environ, tt.terminal, got)
		}
	}
}

func TestExit(t *testing.T) {
	if err := Exit(0); err != nil {
		t.Errorf("all is well: %v", err)
	}
	var e *ExitError
	if err := Exit(Findings); !errors.As(err, &e) || e.Code != 1 || err.Error() != "exit status 1" {
		t.Errorf("got %v", err)
	}
	cause := errors.New("broken")
	if err := fmt.Errorf("x: %w", &ExitError{Problem, cause}); !errors.Is(err, cause) || err.Error() != "x: broken" {
		t.Errorf("got %v", err)
	}
}
