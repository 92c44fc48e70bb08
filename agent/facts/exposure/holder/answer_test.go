package holder

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestLook: the answer names this process for its socket, if process 1 is in its network.
func TestLook(t *testing.T) {
	mine := inode(t)
	listed, err := waiting("/proc/self/net/")
	if err != nil || !slices.Contains(listed, mine) {
		t.Fatalf("%d is not in %v: %v", mine, listed, err)
	}
	a, err := Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	h, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	first, errFirst := os.Readlink("/proc/1/ns/net")
	own, errOwn := os.Readlink("/proc/self/ns/net")
	if p, ok := h.Found[mine]; errFirst == nil && errOwn == nil && first == own && (!ok || p.PID != os.Getpid() || p.Comm == "") {
		t.Errorf("got %+v of %d", p, len(h.Found))
	}
}

func TestWaiting(t *testing.T) {
	const head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	line := func(state, inode string) string {
		return "   0: 00000000:0016 00000000:0000 " + state + " 00000000:00000000 00:00000000 00000000     0        0 " + inode + " 1\n"
	}
	for table, want := range map[string][]uint64{
		head + line("0A", "7") + line("07", "8") + line("01", "9") + line("0A", "10"): {7, 8},
		head + line("0A", "0") + line("0A", "-1") + "short\n" + line("0A", "7"):       {7},
		strings.Repeat(line("0A", "7"), maxWaiting+1):                                 slices.Repeat([]uint64{7}, maxWaiting),
		"": nil,
	} {
		if got := list(strings.NewReader(table), nil); !slices.Equal(got, want) {
			t.Errorf("%.300s: got %v, want %v", table, got[:min(len(got), 5)], want)
		}
	}
	if got, err := waiting(t.TempDir() + "/"); err == nil {
		t.Errorf("no tables: %v", got)
	}
	dir := t.TempDir() + "/"
	for _, name := range []string{"tcp", "udp"} {
		if err := os.WriteFile(dir+name, []byte(head+line("0A", "7")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mkfifo(dir+"tcp6", 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := waiting(dir); err != nil || !slices.Equal(got, []uint64{7, 7}) {
		t.Errorf("without IPv6: %v, %v", got, err)
	}
}

// FuzzParse: an answer that is taken is bounded.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"held":[{"inode":7,"pid":1,"comm":"sshd","exe":"/usr/sbin/sshd","unit":"ssh.service"}],"limited":"x","new":1}`))
	f.Add([]byte(`{"held":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := Parse(data)
		if err != nil {
			return
		}
		if h.Found == nil || len(h.Found) > maxWaiting {
			t.Errorf("got %d", len(h.Found))
		}
		for _, p := range h.Found {
			if len(p.Comm) > maxWord || len(p.Exe) > maxWord || len(p.Unit) > maxWord {
				t.Errorf("got %+v", p)
			}
		}
	})
}
