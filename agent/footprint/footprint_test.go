package footprint

import (
	"bytes"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const maps = `00400000-00c49000 r-xp 00000000 fe:01 12 /usr/bin/a program
Rss:                6416 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
00c49000-00d00000 r--p 00849000 fe:01 12 /usr/bin/a program
Anonymous:             4 kB
00d00000-00e00000 r--p 00849000 fe:01 12 /usr/bin/a program
Anonymous:             0 kB
00e00000-00f00000 rw-p 00849000 fe:01 12 /usr/bin/a program
Anonymous:             0 kB
00f00000-00f01000 r--p 00849000 fe:01 13 /usr/bin/another
Anonymous:             0 kB
00f02000-00f03000 r--p 00849000 fe:01 12 /x /usr/bin/a program
Anonymous:             0 kB
00f04000-00f03000 r--p 00849000 fe:01 12 /usr/bin/a program
Anonymous:             0 kB
00f0400000000000000-00f0500000000000000 r--p 00849000 fe:01 12 /usr/bin/a program
Anonymous:             0 kB
xyz-00f03000 r--p 00849000 fe:01 12 /usr/bin/a program
Anonymous:             0 kB
Anonymous:             0 kB
7ffd0000-7ffd1000 r--p 00000000 00:00 0
Anonymous:             0 kB`

// TestClean: what was changed, can be written, or is of other files stays.
func TestClean(t *testing.T) {
	want := []span{{0x400000, 0xc49000}, {0xd00000, 0xe00000}}
	if diff := cmp.Diff(want, clean(strings.NewReader(maps), "/usr/bin/a program"), cmp.AllowUnexported(span{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := clean(strings.NewReader(maps), ""); got != nil {
		t.Errorf("of no file: %v", got)
	}
}

// TestTrim: this program has less of its file mapped afterwards, and runs on.
func TestTrim(t *testing.T) {
	before := mapped(t)
	Trim()
	if after := mapped(t); after >= before || before == 0 {
		t.Errorf("%d kB of the file were mapped, and now %d", before, after)
	}
	runtime.GC()
	stack := make([]byte, 4096)
	if stack = stack[:runtime.Stack(stack, true)]; !bytes.Contains(stack, []byte("TestTrim")) {
		t.Errorf("the stack is %s", stack)
	}
}

// TestBrief: the limits are set, and garbage beyond them is still collected.
func TestBrief(t *testing.T) {
	percent, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetGCPercent(percent); debug.SetMemoryLimit(limit) })
	if Small(); debug.SetGCPercent(100) != 50 {
		t.Error("garbage is not collected often")
	}
	Brief()
	if got := debug.SetGCPercent(400); got != 400 {
		t.Errorf("collected at %d percent", got)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var last []byte
	for range 1000 {
		last = make([]byte, 1<<20)
	}
	runtime.ReadMemStats(&after)
	// At 400 percent alone it would be twice or so: how far it gets ahead is the machine's load.
	if n := after.NumGC - before.NumGC; n < 5 || len(last) == 0 {
		t.Errorf("collected %d times in 1000 MB of garbage", n)
	}
}

// mapped counts the kB of files that this process has mapped.
func mapped(t *testing.T) (kB int) {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, "RssFile:"); ok {
			for _, c := range strings.TrimSuffix(strings.TrimSpace(value), " kB") {
				kB = kB*10 + int(c-'0')
			}
		}
	}
	return kB
}
