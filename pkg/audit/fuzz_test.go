package audit

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
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

// FuzzRecord feeds the text of one record of any type. Its fields must stand in it, one
// behind the other, and what is decoded must not be more than there is.
func FuzzRecord(f *testing.F) {
	seen := map[uint16]bool{}
	for _, m := range capture(f) {
		if !seen[m.typ] && len(m.payload) < 1000 {
			seen[m.typ] = true
			_, text, _ := bytes.Cut(m.payload, []byte(": "))
			f.Add(m.typ, text)
		}
	}
	f.Add(uint16(1305), []byte(`auid=1 ses=3op=remove_rule key=6101`))
	f.Add(uint16(1309), []byte(`a1_len=4 a1[0]="ab" a1[1]=6364 a0="" argc=2`))
	f.Add(uint16(1336), []byte(`uring_op=18 success=yes exit=0 items=1 key=(null)`))
	a := NewAssembler(0, nil)
	var got *Event
	a.handle = func(e *Event) { got = e }
	serial := uint32(1)
	f.Fuzz(func(t *testing.T, typ uint16, text []byte) {
		fields, at := 0, 0
		for rest := text; ; fields++ {
			key, value, more, ok := NextField(rest)
			if !ok {
				break
			}
			i := bytes.Index(text[at:], key)
			if i < 0 || len(key)+1+len(value)+len(more) > len(rest) || bytes.ContainsRune(key, ' ') {
				t.Fatalf("field %q=%q of %q", key, value, rest)
			}
			at += i + len(key)
			rest = more
		}
		got = nil
		serial++
		a.Push(typ, append(fmt.Appendf(nil, "audit(1.000:%d): ", serial), text...), clock)
		a.Close()
		switch {
		case got == nil:
			t.Fatal("no event")
		case typ == unix.AUDIT_EOE:
			return
		case len(got.Records) != 1 || got.Records[0].Type != typ || !bytes.Contains(text, got.Records[0].Text):
			t.Fatalf("records %+v of %q", got.Records, text)
		}
		size := len(got.TTY) + len(got.Comm) + len(got.Exe) + len(got.Key) + len(got.CWD) + len(got.Proctitle) + len(got.Sockaddr) + len(got.Message)
		for _, arg := range got.Argv {
			size += len(arg)
		}
		for _, p := range got.Paths {
			size += len(p.Name)
		}
		// A field that comes again replaces the one before.
		if size > len(text) || len(got.Argv) > fields || typ != unix.AUDIT_EXECVE && len(got.Argv) > 0 {
			t.Errorf("%d bytes of %d, %d arguments of %d fields", size, len(text), len(got.Argv), fields)
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
