package unitctl

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
)

// TestRun asks the systemd of this machine where it runs, for a unit that it does
// not have, and hears that there is none else.
func TestRun(t *testing.T) {
	_, noSystemd := os.Stat("/run/systemd/system")
	err := Run(t.Context(), Plan{Start: []string{"seawall-no-such.service"}})
	switch {
	case noSystemd != nil && !errors.Is(err, ErrNone):
		t.Errorf("without systemd: %v", err)
	case noSystemd == nil && (err == nil || errors.Is(err, ErrNone)):
		t.Errorf("a unit that is not there: %v", err)
	}
}

// TestWait tells how a job ended.
func TestWait(t *testing.T) {
	job := func(result string) func(context.Context, string, string, chan<- string) (int, error) {
		return func(_ context.Context, _, _ string, ended chan<- string) (int, error) {
			switch result {
			case "refused":
				return 0, errors.New("refused")
			case "":
				return 1, nil // it never ends
			}
			ended <- result
			return 1, nil
		}
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for result, want := range map[string]string{"done": "", "failed": "failed: systemctl status x.service", "refused": "refused", "": "takes too long"} {
		ctx := t.Context()
		if result == "" {
			ctx = over
		}
		err := wait(ctx, "x.service", job(result))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", result, err, want)
		}
	}
}
