package restart

import (
	"bytes"
	"net"
	"strings"
	"testing"
)

func TestReachable(t *testing.T) {
	const rest = " 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000000000000000 100 0 0 10 0"
	for line, want := range map[string]uint64{
		"   0: 00000000:0016 00000000:0000 0A" + rest:                                                      4711,
		"   1: 0A00000A:0016 00000000:0000 0A" + rest:                                                      4711,
		"   1: 00000000:0044 00000000:0000 07" + rest:                                                      4711, // udp
		"   2: 0100007F:0016 00000000:0000 0A" + rest:                                                      0,
		"   2: 3500007F:0035 00000000:0000 07" + rest:                                                      0, // 127.0.0.53
		"   3: 0A00000A:0016 0B00000A:9999 01" + rest:                                                      0, // connected
		"   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A" + rest:      4711,
		"   0: 00000000000000000000000001000000:0016 00000000000000000000000000000000:0000 0A" + rest:      0,
		"   0: 0000000000000000FFFF00000100007F:0016 00000000000000000000000000000000:0000 0A" + rest:      0,
		"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode": 0,
		"": 0,
		"   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 0":    0,
		"   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 -1":   0,
		"   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711": 4711,
	} {
		if got, ok := reachable([]byte(line)); got != want || ok != (want != 0) {
			t.Errorf("%s: got %d, %v", line, got, ok)
		}
	}
}

// FuzzReachable: an inode that is found is written in the line.
func FuzzReachable(f *testing.F) {
	f.Add([]byte("0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 4711 1"))
	f.Add([]byte("0: 00000000000000000000000001000000:0016 0:0 07 0 0 0 0 0 1 1"))
	f.Fuzz(func(t *testing.T, line []byte) {
		if inode, ok := reachable(line); ok && (inode == 0 || len(bytes.Fields(line)) < 10) {
			t.Errorf("got %d", inode)
		}
	})
}

// TestListening: of two that run a replaced library, the one that the network
// reaches is told apart.
func TestListening(t *testing.T) {
	lib := copyFile(t, library(t), folder(t)+"/libz.so.1")
	want := map[int]bool{
		holder(t, "0.0.0.0:0", lib):   true,
		holder(t, "[::]:0", lib):      true,
		holder(t, "127.0.0.1:0", lib): false,
		holder(t, "none", lib):        false,
	}
	replace(t, lib)
	found := 0
	for _, p := range scanNow(t).Processes {
		if listening, ours := want[p.PID]; ours {
			found++
			if p.Listening != listening {
				t.Errorf("got %+v", p)
			}
		}
	}
	if found != len(want) {
		t.Errorf("%d of %d processes", found, len(want))
	}
}

// listenAt holds a listening socket: at kind, where that is an address.
func listenAt(kind string) (net.Listener, error) {
	if strings.Contains(kind, ":") {
		return net.Listen("tcp", kind)
	}
	return net.Listen("unix", "") // the kernel gives it a name
}
