package utmp

import (
	"encoding/binary"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// encode writes a record as glibc has it in memory.
func encode(r Record, size int) []byte {
	b := make([]byte, size)
	order := binary.NativeEndian
	order.PutUint16(b, uint16(r.Type))
	order.PutUint32(b[4:], r.PID)
	copy(b[8:40], r.Line)
	copy(b[44:76], r.User)
	copy(b[76:332], r.Host)
	addr := b[348:364]
	if size == Size64 {
		addr = b[360:376]
		order.PutUint64(b[344:], uint64(r.Time.Unix()))
		order.PutUint64(b[352:], uint64(r.Time.Nanosecond()/1000))
	} else {
		order.PutUint32(b[340:], uint32(r.Time.Unix()))
		order.PutUint32(b[344:], uint32(r.Time.Nanosecond()/1000))
	}
	copy(addr, r.Address.AsSlice())
	return b
}

func records() []Record {
	at := time.Unix(1_790_000_000, 123_456_000)
	return []Record{
		{Type: 2, Line: "~", User: "reboot", Host: "6.1.0-18-amd64", Time: at},
		{Type: User, PID: 812, Line: "pts/0", User: "alice", Host: "203.0.113.7", Time: at, Address: netip.MustParseAddr("203.0.113.7")},
		{Type: User, PID: 813, Line: "pts/1", User: strings.Repeat("u", 32), Host: strings.Repeat("h", 256), Time: at, Address: netip.MustParseAddr("2001:db8::7")},
		{Type: 8, PID: 900, Line: "tty1", Time: at},
	}
}

func TestParse(t *testing.T) {
	for _, size := range []int{Size32, Size64} {
		var data []byte
		for _, r := range records() {
			data = append(data, encode(r, size)...)
			data = append(data, make([]byte, size)...) // an empty slot
		}
		got, err := Parse(data, size)
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(records(), got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("%d: %s", size, diff)
		}
		if got, err := Parse(data[:len(data)-size-1], size); err == nil || len(got) != len(records())-1 {
			t.Errorf("cut: %d records, %v", len(got), err)
		}
		if got, err := Parse(encodeMany(size), size); err == nil || len(got) != Limit {
			t.Errorf("%d records, %v", len(got), err)
		}
	}
}

func encodeMany(size int) []byte {
	one := encode(records()[1], size)
	data := make([]byte, 0, (Limit+1)*size)
	for range Limit + 1 {
		data = append(data, one...)
	}
	return data
}

// TestUtmpdump has the system's own reader and writer, utmpdump, agree.
func TestUtmpdump(t *testing.T) {
	const text = `[7] [00812] [ts/0] [alice   ] [pts/0       ] [host.example.org    ] [203.0.113.7    ] [2026-09-21T14:13:20,123456+00:00]
[7] [00813] [ts/1] [bob     ] [pts/1       ] [2001:db8::7         ] [2001:db8::7    ] [2026-09-21T14:13:21,000000+00:00]
`
	cmd := exec.Command("utmpdump", "-r")
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("needs utmpdump: %v", err)
	}
	got, err := Parse(out, Size())
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	for i, want := range []struct{ user, host, addr string }{{"alice", "host.example.org", "203.0.113.7"}, {"bob", "2001:db8::7", "2001:db8::7"}} {
		if r := got[i]; strings.TrimSpace(r.User) != want.user || r.Host != want.host || r.Address.String() != want.addr || r.Type != User || r.PID != uint32(812+i) {
			t.Errorf("%+v", r)
		}
	}
	if got[0].Time.UTC().Format(time.RFC3339Nano) != "2026-09-21T14:13:20.123456Z" {
		t.Errorf("%v", got[0].Time.UTC())
	}
	name := filepath.Join(t.TempDir(), "utmp")
	if err := os.WriteFile(name, encode(records()[1], Size()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("utmpdump", name).Output(); err != nil || !strings.Contains(string(out), "[00812]") || !strings.Contains(string(out), "[203.0.113.7") {
		t.Errorf("%s, %v", out, err)
	}
}

func FuzzParse(f *testing.F) {
	for _, r := range records() {
		f.Add(encode(r, Size32), true)
		f.Add(encode(r, Size64), false)
	}
	f.Add([]byte("short"), true)
	f.Fuzz(func(t *testing.T, data []byte, small bool) {
		size := Size64
		if small {
			size = Size32
		}
		got, err := Parse(data, size)
		if len(got) > len(data)/size || err == nil && len(data)%size != 0 {
			t.Errorf("%d records of %d bytes, %v", len(got), len(data), err)
		}
		for _, r := range got {
			again, err := Parse(encode(r, size), size)
			if err != nil || len(again) != 1 || again[0].Line != r.Line || again[0].User != r.User || again[0].Host != r.Host || again[0].PID != r.PID || again[0].Address != r.Address {
				t.Errorf("%+v came back as %+v, %v", r, again, err)
			}
			if _, err := r.Time.MarshalText(); err != nil {
				t.Error(err)
			}
		}
	})
}
