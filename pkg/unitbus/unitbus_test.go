package unitbus

import (
	"context"
	"os"
	"testing"
	"time"
)

func TestFromProperties(t *testing.T) {
	got := fromProperties(map[string]any{"ActiveState": "active", "Result": "success", "ExecMainStatus": int32(1), "ExecMainExitTimestamp": uint64(1),
		"SubState": "running", "StatusText": "well", "NRestarts": uint32(2)})
	if got != (State{"active", "success", 1, time.UnixMicro(1).UTC(), "running", "well", 2}) {
		t.Errorf("%+v", got)
	}
	for _, hostile := range []map[string]any{nil, {"ActiveState": 5, "ExecMainExitTimestamp": uint64(1) << 63}, {"Result": []string{"x"}, "ExecMainStatus": "1"}} {
		if got := fromProperties(hostile); got != (State{}) {
			t.Errorf("%v: %+v", hostile, got)
		}
	}
}

func TestString(t *testing.T) {
	for want, s := range map[string]State{
		"inactive":                 {Active: "inactive"},
		"active (running): 3 fail": {Active: "active", Sub: "running", Result: "success", Text: "3 fail"},
		"activating (auto-restart), exit-code: does not start: a:1": {Active: "activating", Sub: "auto-restart", Result: "exit-code", Text: "does not start: a:1"},
	} {
		if got := s.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestAsk asks the systemd of this machine where it runs, and hears an error else.
func TestAsk(t *testing.T) {
	_, noSystemd := os.Stat("/run/systemd/system")
	states, err := Ask(context.Background(), []string{"seawall-no-such.timer"})
	switch {
	case noSystemd != nil && err == nil:
		t.Errorf("without systemd: %v", states)
	case err == nil && states["seawall-no-such.timer"].Active != "inactive":
		t.Errorf("a unit that is not there: %+v", states)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Ask(ctx, []string{"x.timer"}); err == nil {
		t.Error("a cancelled question is answered")
	}
	if got := Describe(ctx, "x.timer"); got != "" {
		t.Errorf("nobody was asked, and the answer is %q", got)
	}
	if _, err := Own(ctx, os.Getpid()); err == nil {
		t.Error("a cancelled question about a process is answered")
	}
}
