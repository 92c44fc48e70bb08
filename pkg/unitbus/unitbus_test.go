package unitbus

import (
	"context"
	"os"
	"testing"
	"time"
)

func TestFromProperties(t *testing.T) {
	got := fromProperties(map[string]any{"ActiveState": "active", "Result": "success", "ExecMainStatus": int32(1), "ExecMainExitTimestamp": uint64(1)})
	if got != (State{"active", "success", 1, time.UnixMicro(1).UTC()}) {
		t.Errorf("%+v", got)
	}
	for _, hostile := range []map[string]any{nil, {"ActiveState": 5, "ExecMainExitTimestamp": uint64(1) << 63}, {"Result": []string{"x"}, "ExecMainStatus": "1"}} {
		if got := fromProperties(hostile); got != (State{}) {
			t.Errorf("%v: %+v", hostile, got)
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
}
