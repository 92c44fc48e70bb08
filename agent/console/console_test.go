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

// TestProgress: on a terminal there is a line of what is done and what is left, which
// is wiped; elsewhere there is nothing.
func TestProgress(t *testing.T) {
	for _, tt := range []struct {
		c    Console
		want bool
	}{{Console{ErrTerminal: true}, true}, {Console{}, false}, {Console{ErrTerminal: true, Environ: []string{"TERM=dumb"}}, false}} {
		var out strings.Builder
		tt.c.Stderr = &out
		asked := make(chan struct{}, 100)
		stop := tt.c.Progress("reading", 3, func() []string {
			asked <- struct{}{}
			return []string{"patch", "sshd"}
		})
		if tt.want {
			<-asked
		}
		stop()
		if got := out.String(); tt.want && (!strings.Contains(got, "\r\x1b[Kreading: 1 of 3, now patch, sshd") || !strings.HasSuffix(got, "\r\x1b[K")) || !tt.want && got != "" {
			t.Errorf("%+v: got %q", tt.c, got)
		}
	}
	var out strings.Builder
	progress(&out, "reading", 9, []string{strings.Repeat("x", 200)}, 20)
	if got := strings.TrimPrefix(out.String(), "\r\x1b[K"); got != "reading: 8 of 9, n…" {
		t.Errorf("got %q", got)
	}
}

func TestTrial(t *testing.T) {
	bad := errors.New("a.yaml:1: \x1b[31mred")
	for _, tt := range []struct {
		trial Trial
		code  int
		want  string
	}{
		{Trial{Rules: 2, Examples: 3}, 0, "checks: 2, examples: 3, all as they should be\n"},
		{Trial{Warnings: []string{"a.yaml: warning: no examples"}}, 0, "a.yaml: warning: no examples\nchecks: 0, examples: 0, all as they should be\n"},
		{Trial{Failures: []error{errors.New("fires")}, Examples: 4}, Findings, "fires\n1 of 4 examples failed\n"},
		{Trial{Problems: []error{bad}, Failures: []error{errors.New("fires")}}, Problem, "a.yaml:1: \\x1b[31mred\nfires\n"},
	} {
		var out strings.Builder
		if code, err := tt.trial.Print(&out, "checks"); code != tt.code || err != nil || out.String() != tt.want {
			t.Errorf("%d, %v: %q, want %d: %q", code, err, out.String(), tt.code, tt.want)
		}
	}
}
