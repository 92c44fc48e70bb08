package audit

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// FuzzAssembler feeds arbitrary records. data is a list of records, each led by
// its type and length as two little-endian uint16. It must not panic, must keep
// its bounds, and must not make more out of text than it was given.
func FuzzAssembler(f *testing.F) {
	for _, m := range capture(f)[:64] {
		f.Add(binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(nil, m.typ), uint16(len(m.payload))), m.payload)
	}
	f.Add([]byte{0x1d, 5, 40, 0}, record(3, `argc=2 a0_len=9 a0[0]=6161 a0[1]="b" a1=""`))
	f.Fuzz(func(t *testing.T, lead, text []byte) {
		data := append(bytes.Clone(lead), text...)
		given, now := len(data), clock
		a := NewAssembler(0, func(e *Event) {
			total := 0
			for _, r := range e.Records {
				total += len(r.Text)
			}
			for _, arg := range e.Argv {
				total -= len(arg)
			}
			if total < 0 || len(e.Records) > 0 && total > given {
				t.Errorf("%d bytes of records out of %d", total, given)
			}
			_ = e.HasKey("seawall")
			_ = e.AppendCommand(nil)
		})
		for len(data) >= 4 {
			typ, n := binary.LittleEndian.Uint16(data), int(binary.LittleEndian.Uint16(data[2:]))
			n = min(n, len(data)-4)
			a.Push(typ, data[4:4+n], now)
			data = data[4+n:]
			now = now.Add(time.Second)
			a.Flush(now)
		}
		a.Close()
		if s := a.Stats(); s.Open != 0 || a.bytes != 0 {
			t.Errorf("left behind: %+v, %d bytes", s, a.bytes)
		}
	})
}

// FuzzText holds that what the kernel encodes comes back.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "plain", "two words", "line\nbreak", "\xff\xfe", `"quoted"`, "ABCDEF", "(null)"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, want []byte) {
		if got := AppendText(nil, encode(want)); !bytes.Equal(got, want) {
			t.Errorf("%q came back as %q", want, got)
		}
	})
}

// encode is the kernel's audit_log_n_untrustedstring.
func encode(b []byte) []byte {
	const digits = "0123456789ABCDEF"
	for _, c := range b {
		if c == '"' || c < 0x21 || c > 0x7e {
			var out []byte
			for _, c := range b {
				out = append(out, digits[c>>4], digits[c&15])
			}
			return out
		}
	}
	return append(append([]byte{'"'}, b...), '"')
}

func TestFuzzSeedsExist(t *testing.T) {
	for _, name := range []string{"capture.log.gz", "truth.jsonl.gz"} {
		if fi, err := os.Stat(filepath.Join("testdata", name)); err != nil || fi.Size() == 0 {
			t.Errorf("seed %s: %v", name, err)
		}
	}
}
