package auditlog

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestRead(t *testing.T) {
	text := "type=SYSCALL msg=audit(1795289500.540:1): arch=c000003e\x1dARCH=x86_64 SYSCALL=openat\n" +
		"node=web 1\n" +
		"node=web type=PATH msg=audit(1795289500.540:1): item=0 name=\"a b\"\r\n" +
		"----\ntime->Sun Nov 22 12:00:00 2026\n\n" +
		"type=UNKNOWN[1398] msg=audit(1.000:2): a=1\n" +
		"type=1337 msg=audit(1.000:2): oflag=0\n" +
		"type=NOTHING msg=audit(1.000:2): a=1\n" +
		"type=SYSCALL msg=" + strings.Repeat("x", 3*maxLine) + "\n" +
		"type=EOE msg=audit(1795289500.540:1):"
	var got []string
	skipped, err := Read(strings.NewReader(text), func(typ uint16, payload []byte) {
		got = append(got, fmt.Sprintf("%s %s", Name(typ), payload))
	})
	want := []string{
		"SYSCALL audit(1795289500.540:1): arch=c000003e",
		`PATH audit(1795289500.540:1): item=0 name="a b"`,
		"UNKNOWN[1398] audit(1.000:2): a=1",
		"OPENAT2 audit(1.000:2): oflag=0",
		"EOE audit(1795289500.540:1):",
	}
	if diff := cmp.Diff(want, got); diff != "" || skipped != 5 || err != nil {
		t.Errorf("skipped %d, %v\n%s", skipped, err, diff)
	}
	if _, err := Read(iotest.ErrReader(io.ErrUnexpectedEOF), nil); err == nil {
		t.Error("an error of the reader was swallowed")
	}
}

func FuzzLine(f *testing.F) {
	f.Add([]byte("node=a type=SYSCALL msg=audit(1.000:2): a=1\x1dA=b\n"))
	f.Add([]byte("type=UNKNOWN[70000] msg=audit("))
	f.Fuzz(func(t *testing.T, line []byte) {
		typ, payload, ok := Line(line)
		if !ok {
			return
		}
		// What was read can be written and read again.
		again := fmt.Appendf(nil, "type=%s msg=%s\n", Name(typ), payload)
		typ2, payload2, ok2 := Line(again)
		if !ok2 || typ2 != typ || !bytes.Equal(payload2, bytes.TrimRight(payload, "\r\n")) {
			t.Errorf("%q: %d %q, then %d %q", line, typ, payload, typ2, payload2)
		}
	})
}
