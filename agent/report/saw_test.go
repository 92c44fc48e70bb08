package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSaw(t *testing.T) {
	long := make([]any, 20)
	for i := range long {
		long[i] = map[string]any{"n": i}
	}
	facts := map[string]any{
		"meta": map[string]any{"state": "known"}, "list": []any{"a", "b"}, "long": long, "big": uint64(1) << 63,
		"settings": map[string]any{"net.x": map[string]any{"running": "1", "set": true}, "other": 1}, "evil": "a\x1b[2J",
		"rows": []any{map[string]any{"name": "n", "port": map[string]any{"value": "22", "set": true, "file": "/f", "line": 3}}, map[string]any{"name": "m"}},
	}
	got, err := Saw("kernel", facts,
		`kernel.settings["net.x"].running == "1" && kernel.settings['none'].x && kernel.list.exists(v, v == "a")`,
		`mykernel.big || it.kernel.big || kernel.nothing || kernel`, `kernel.long.exists(l, l.n > 0) && kernel.list.all(x, true) && kernel.evil != ""`, `kernel.rows[].port.value == kernel.rows[].name || kernel.long[].n == 1`)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`kernel.settings.net.x.running = 1`, `kernel.list = a, b`}
	want = append(want, "kernel.long = (20 items)", `kernel.list = a, b`, `kernel.evil = a\x1b[2J`, `kernel.rows[0].port = 22  # /f:3`,
		`kernel.rows[1].name = m`, `kernel.rows[0].name = n`, `kernel.rows[1].name = m`)
	for i := range sawLimit {
		want = append(want, fmt.Sprintf("kernel.long[%d].n = %d", i, i))
	}
	want = append(want, "… 8 more: seawall facts kernel")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got, err := Saw("sshd", facts, "kernel.list"); err != nil || got != nil {
		t.Errorf("of another group: %s, %v", strings.Join(got, "\n"), err)
	}
	if _, err := Saw("kernel", func() {}, "kernel.list"); err == nil {
		t.Error("a function is no facts")
	}
}
