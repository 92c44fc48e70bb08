package audit

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// executed assembles an execve whose EXECVE records have the texts, with another record
// between each two.
func executed(t *testing.T, texts ...string) *Event {
	t.Helper()
	messages := []message{{unix.AUDIT_SYSCALL, record(1, strings.Replace(syscallText, "items=2", "items=0", 1))}}
	for _, text := range texts {
		messages = append(messages,
			message{unix.AUDIT_EXECVE, record(1, text)},
			message{unix.AUDIT_PROCTITLE, record(1, `proctitle="x"`)})
	}
	events, _ := assemble(t, append(messages, message{unix.AUDIT_EOE, record(1, "")}))
	if len(events) != 1 {
		t.Fatalf("%d events", len(events))
	}
	return events[0]
}

func TestArguments(t *testing.T) {
	for _, tt := range []struct {
		name    string
		texts   []string
		want    []string
		partial bool
	}{
		{"plain", []string{`argc=3 a0="sh" a1="-c" a2=`}, []string{"sh", "-c", ""}, false},
		{"empty ones", []string{`argc=3 a0="" a1="" a2=""`}, []string{"", "", ""}, false},
		{"hexadecimal", []string{`argc=2 a0=2F62696E2F6120620A a1=FFFE22`}, []string{"/bin/a b\n", "\xff\xfe\""}, false},
		{"looks like hexadecimal", []string{`argc=3 a0="6162" a1="a1=x" a2="DEADBEEF"`}, []string{"6162", "a1=x", "DEADBEEF"}, false},
		{"looks like nothing", []string{`argc=2 a0="(null)" a1="?"`}, []string{"(null)", "?"}, false},
		{"none", []string{`argc=0`}, nil, false},
		{"split", []string{`argc=2 a0="sh" a1_len=6 a1[0]="ab"`, `a1[1]="cd"`, `a1[2]="ef"`}, []string{"sh", "abcdef"}, false},
		{"split in both forms", []string{`argc=2 a0="sh" a1_len=5 a1[0]="ab"`, `a1[1]=0A0B`, `a1[2]="e"`}, []string{"sh", "ab\n\ve"}, false},
		{"split and followed", []string{`argc=3 a0_len=8 a0[0]=6161`, `a0[1]=6161 a1="b" a2="c"`}, []string{"aaaa", "b", "c"}, false},
		{"two split", []string{`argc=2 a0_len=4 a0[0]="ab"`, `a0[1]="cd" a1_len=4 a1[0]="ef"`, `a1[1]="gh"`}, []string{"abcd", "efgh"}, false},
		{"more than ten pieces", pieces(12), []string{strings.Repeat("xy", 12)}, false},
		{"in another order", []string{`argc=3 a0="sh" a1_len=6 a1[0]="ab"`, `a1[2]="ef" a2="z"`, `a1[1]="cd"`}, []string{"sh", "abcdef", "z"}, false},
		{"the last first", []string{`a2="z"`, `argc=3 a0="x" a1="y"`}, []string{"x", "y", "z"}, false},
		{"the same record twice", []string{`argc=2 a0="a" a1="b"`, `argc=2 a0="a" a1="b"`}, []string{"a", "b"}, false},
		{"a piece is missing", []string{`argc=2 a0="sh" a1_len=6 a1[0]="ab"`, `a1[2]="ef"`}, []string{"sh", "abef"}, true},
		{"the last piece is missing", []string{`argc=2 a0="sh" a1_len=6 a1[0]="ab"`}, []string{"sh", "ab"}, true},
		{"an argument is missing", []string{`argc=3 a0="sh" a2="c"`}, []string{"sh", "c"}, true},
		{"the first record is missing", []string{`a1[1]="cd" a2="z"`}, []string{"cd", "z"}, true},
		{"no argument, but its length", []string{`argc=1 a0_len=2`}, nil, true},
		{"odd keys", []string{`argc=1 a0="x" a="y" a1x="y" a0[="y" a0[]="y" a0[1="y" ab="y" a0_lens=3`}, []string{"x"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := executed(t, tt.texts...)
			var got []string
			for _, a := range e.Argv {
				got = append(got, string(a))
			}
			if !slices.Equal(got, tt.want) || e.Partial != tt.partial {
				t.Errorf("got %q, partial %v; want %q, %v", got, e.Partial, tt.want, tt.partial)
			}
		})
	}
}

func pieces(n int) []string {
	texts := []string{fmt.Sprintf(`argc=1 a0_len=%d a0[0]="xy"`, 2*n)}
	for i := 1; i < n; i++ {
		texts = append(texts, fmt.Sprintf(`a0[%d]="xy"`, i))
	}
	return texts
}

// TestArgumentsRoundTrip encodes random argument lists as the kernel does, splits them
// into records, puts those in any order, and reads them back.
func TestArgumentsRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		argv := make([][]byte, random.IntN(12))
		for i := range argv {
			argv[i] = make([]byte, random.IntN(40))
			for j := range argv[i] {
				argv[i][j] = byte(1 + random.IntN(255))
			}
			if random.IntN(2) == 0 {
				argv[i] = bytes.Map(func(r rune) rune { return '!' + r%64 }, argv[i])
			}
		}
		fields := []string{fmt.Sprintf("argc=%d", len(argv))}
		for i, arg := range argv {
			if random.IntN(3) > 0 || len(arg) < 2 {
				fields = append(fields, fmt.Sprintf("a%d=%s", i, encode(arg)))
				continue
			}
			first, number := random.IntN(len(arg)), 0
			encoded := encode(arg[:first+1])
			total := len(arg)
			if encoded[0] != '"' {
				total *= 2
			}
			fields = append(fields, fmt.Sprintf("a%d_len=%d a%d[0]=%s", i, total, i, encoded))
			for rest := arg[first+1:]; len(rest) > 0; {
				n := 1 + random.IntN(len(rest))
				number++
				fields = append(fields, fmt.Sprintf("a%d[%d]=%s", i, number, encode(rest[:n])))
				rest = rest[n:]
			}
		}
		var texts []string
		for len(fields) > 0 {
			n := 1 + random.IntN(len(fields))
			texts = append(texts, strings.Join(fields[:n], " "))
			fields = fields[n:]
		}
		random.Shuffle(len(texts), func(i, j int) { texts[i], texts[j] = texts[j], texts[i] })
		e := executed(t, texts...)
		if !slices.EqualFunc(e.Argv, argv, bytes.Equal) || e.Partial {
			t.Fatalf("%q came back as %q (partial %v) from %q", argv, e.Argv, e.Partial, texts)
		}
	}
}

// TestInterleavedPieces holds that pieces of many arguments in turn, which no kernel
// writes, cost no more than their text.
func TestInterleavedPieces(t *testing.T) {
	var text strings.Builder
	text.WriteString("argc=2")
	for i := range 40_000 {
		fmt.Fprintf(&text, ` a%d[%d]="x"`, i%2, i/2)
	}
	e := executed(t, text.String())
	if len(e.Argv) != 2 || len(e.Argv[0]) != 20_000 || len(e.Argv[1]) != 20_000 || e.Partial {
		t.Errorf("%d arguments, partial %v", len(e.Argv), e.Partial)
	}
}

// TestMissingPath holds that an event without one of its paths is known to be partial,
// and that one whose paths a rule excludes is not.
func TestMissingPath(t *testing.T) {
	path := func(n int) message {
		return message{unix.AUDIT_PATH, record(1, fmt.Sprintf(`item=%d name="/x" inode=1 dev=00:00 mode=0100644 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL`, n))}
	}
	for n, want := range []bool{false, true, false} {
		messages := []message{{unix.AUDIT_SYSCALL, record(1, syscallText)}}
		for i := range n {
			messages = append(messages, path(i))
		}
		events, _ := assemble(t, append(messages, message{unix.AUDIT_EOE, record(1, "")}))
		if events[0].Partial != want {
			t.Errorf("%d of 2 paths: partial is %v", n, events[0].Partial)
		}
	}
}

// TestRecordAfterEnd holds that a record that comes after the end of its event is told
// as an event of its own, partial, with the same serial.
func TestRecordAfterEnd(t *testing.T) {
	events, stats := assemble(t, []message{
		{unix.AUDIT_SYSCALL, record(1, syscallText)}, {unix.AUDIT_EOE, record(1, "")},
		{unix.AUDIT_CWD, record(1, `cwd="/late"`)},
	})
	if len(events) != 2 || events[0].Partial || !events[1].Partial || events[1].Serial != 1 ||
		string(events[1].CWD) != "/late" || stats.Gaps != 0 {
		t.Errorf("%d events, %+v", len(events), stats)
	}
}
