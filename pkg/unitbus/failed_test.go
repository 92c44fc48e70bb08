package unitbus

import (
	"context"
	"os"
	"testing"
)

// TestFailed asks the systemd of this machine where it runs, and hears an error else.
func TestFailed(t *testing.T) {
	_, noSystemd := os.Stat("/run/systemd/system")
	names, err := Failed(context.Background())
	switch {
	case noSystemd != nil && err == nil:
		t.Errorf("without systemd: %q", names)
	case noSystemd == nil && err == nil && names == nil:
		t.Error("no list")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Failed(ctx); err == nil {
		t.Error("a cancelled question is answered")
	}
}
