package runlog

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/hostfs/image"
)

// TestHistory: the last success and the last failure stay, whatever order the logs
// are read in; a run of unknown end is neither.
func TestHistory(t *testing.T) {
	old, late := Run{At: at("2026-11-01 00:00:00"), Done: true, Line: "old"}, Run{At: at("2026-11-20 00:00:00"), Done: true, Line: "late"}
	failed, again := Run{At: at("2026-11-10 00:00:00"), Failure: "f"}, Run{At: at("2026-11-11 00:00:00"), Failure: "g", Line: "x"}
	want := History{Success: late.At, File: "/a", Line: "late", Failed: Run{At: again.At, Failure: "g", Line: "/b"}}
	for _, first := range []bool{true, false} {
		var h History
		if first {
			h.Add([]Run{old, failed, late, {At: at("2026-11-21 00:00:00")}}, "/a")
		}
		h.Add([]Run{again}, "/b")
		h.Succeeded(old.At, "/c", "c")
		if !first {
			h.Add([]Run{late, failed, old}, "/a")
		}
		if d := cmp.Diff(want, h); d != "" {
			t.Errorf("-want +got:\n%s", d)
		}
	}
}

func TestTail(t *testing.T) {
	big := strings.Repeat("0123456\n", maxTail/8+9)
	root := image.Of(t, map[string]string{"/small": "a\nb", "/big": "x" + big, "/line": strings.Repeat("y", maxTail+9), "/empty": ""})
	for name, want := range map[string]string{"/small": "a\nb", "/big": big[len(big)-maxTail+8:], "/line": "", "/empty": ""} {
		got, err := Tail(root, name)
		if err != nil || !bytes.Equal(got, []byte(want)) {
			t.Errorf("%s: %d bytes, %v, want %d", name, len(got), err, len(want))
		}
	}
	if _, err := Tail(root, "/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := Tail(root, "/"); err == nil {
		t.Error("the end of a folder")
	}
}

func TestZone(t *testing.T) {
	winter := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	// A zone of its own, in the format of tzfile(5): one hour east of Greenwich.
	zone := "TZif" + strings.Repeat("\x00", 16) + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x04" + "\x00\x00\x0e\x10\x00\x00" + "CET\x00"
	for text, want := range map[string]string{zone: "13:00", "TZif": "12:00", strings.Repeat("x", 100<<10): "12:00"} {
		if got := winter.In(Zone(image.Of(t, map[string]string{"/etc/localtime": text}))).Format("15:04"); got != want {
			t.Errorf("%.9q: %s, want %s", text, got, want)
		}
	}
	if Zone(image.Of(t, nil)) != time.UTC {
		t.Error("a host without a zone")
	}
}
