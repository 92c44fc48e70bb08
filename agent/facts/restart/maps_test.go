package restart

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestParseMapping(t *testing.T) {
	dev := unix.Mkdev(0xfe, 0x1)
	for line, want := range map[string]mapping{
		"55d0c7e00000-55d0c7e05000 r-xp 00002000 fe:01 247260                     /usr/bin/sleep":           {dev, 247260, []byte("/usr/bin/sleep")},
		"55d0c7e00000-55d0c7e05000 r-xp 00002000 fe:01 247260                     /usr/bin/sleep (deleted)": {dev, 247260, []byte("/usr/bin/sleep (deleted)")},
		"55d0c7e00000-55d0c7e05000 r-xs 0 fe:1 1 /a b  c ":                                                  {dev, 1, []byte("/a b  c ")},
		"7f6e1c000000-7f6e1c021000 rwxp 00000000 00:00 0 ":                                                  {0, 0, []byte{}},
		"7f6e1c000000-7f6e1c021000 rwxp 00000000 00:00 0":                                                   {0, 0, []byte{}},
		"7ffd7d9f2000-7ffd7d9f4000 r-xp 00000000 00:00 0                          [vdso]":                   {0, 0, []byte("[vdso]")},
		"7f6e1c000000-7f6e1c021000 r-xp 00000000 00:01 2054                       /memfd:x (deleted)":       {1, 2054, []byte("/memfd:x (deleted)")},
		"7f6e1c000000-7f6e1c021000 r--p 00000000 fe:01 12                         /usr/lib/x.so":            {},
		"7f6e1c000000-7f6e1c021000 rw-p what is not looked at":                                              {},
	} {
		got, ok := parseMapping([]byte(line))
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(mapping{}), cmp.Comparer(bytes.Equal)); diff != "" || !ok {
			t.Errorf("%s: %v %s", line, ok, diff)
		}
	}
	for _, line := range []string{
		"", " ", "x", "1-2 r-x", "1-2 r-xp", "1-2 r-xp ", "1-2 r-xp 0", "1-2 r-xp 0 ", "1-2 r-xp 0 fe", "1-2 r-xp 0 fe:", "1-2 r-xp 0 fe:01", "1-2 r-xp 0 fe:01 ",
		"1-2 r-xp 0 fe:01 x /usr/x", "1-2 r-xp 0 fg:01 1 /usr/x", "1-2 r-xp 0 :01 1 /usr/x", "1-2 r-xp 0 fe:01 -1 /usr/x", "1-2 r-xp 0 fe:01 a1 /usr/x",
		"1-2 r-xp 0 fe:01 18446744073709551616 /usr/x", "1-2 r-xp 0 100000000:01 1 /usr/x", "1-2 r-xpp 0 fe:01 1 /usr/x",
	} {
		if m, ok := parseMapping([]byte(line)); ok {
			t.Errorf("%q: got %+v", line, m)
		}
	}
	if m, ok := parseMapping([]byte("1-2 r-xp 0 ffffffff:0 18446744073709551615 /x")); !ok || m.inode != 1<<64-1 {
		t.Errorf("largest numbers: %+v %v", m, ok)
	}
}

// TestParseOwnMaps reads what the kernel writes now.
func TestParseOwnMaps(t *testing.T) {
	data, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for line := range bytes.Lines(data) {
		m, ok := parseMapping(bytes.TrimSuffix(line, []byte("\n")))
		if !ok {
			t.Errorf("refused: %s", line)
		}
		if string(m.path) == exe {
			at := lookup(exe)
			found = at.there && at.inode == m.inode
		}
	}
	if !found {
		t.Errorf("%s is not among the mappings of this test:\n%s", exe, data)
	}
}

// reader gives data in pieces of at most n bytes.
func reader(data []byte, n int) func([]byte) (int, error) {
	return func(b []byte) (int, error) {
		if len(data) == 0 {
			return 0, io.EOF
		}
		k := copy(b, data[:min(n, len(data))])
		data = data[k:]
		return k, nil
	}
}

// collect returns the lines that eachLine makes of data.
func collect(t testing.TB, data string, piece, room, limit int) (lines []string, whole bool) {
	t.Helper()
	whole, err := eachLine(reader([]byte(data), piece), make([]byte, room), limit, func(l []byte) { lines = append(lines, string(l)) })
	if err != nil {
		t.Fatal(err)
	}
	return lines, whole
}

func TestEachLine(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for _, tt := range []struct {
		data  string
		limit int
		want  []string
		whole bool
	}{
		{"", 100, nil, true},
		{"a\nb\n", 100, []string{"a", "b"}, true},
		{"a\n\nb", 100, []string{"a", "", "b"}, true},
		{"a\n" + long + "\nb\n", 2 << 20, []string{"a", "b"}, false},
		{long, 2 << 20, nil, false},
		{strings.Repeat("12345678\n", 100), 90, nil, false},
	} {
		for _, piece := range []int{1, 3, 64, 1 << 20} {
			if len(tt.data) > 1<<16 && piece < 64 {
				continue
			}
			got, whole := collect(t, tt.data, piece, 64, tt.limit)
			if whole != tt.whole {
				t.Errorf("%.20q in pieces of %d: whole %v", tt.data, piece, whole)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" && tt.want != nil {
				t.Errorf("%.20q in pieces of %d: %s", tt.data, piece, diff)
			}
			if len(got) > 20 {
				t.Errorf("%.20q: %d lines beyond the limit", tt.data, len(got))
			}
		}
	}
	broken := errors.New("broken")
	whole, err := eachLine(func([]byte) (int, error) { return 0, broken }, make([]byte, 8), 8, func([]byte) { t.Error("a line of nothing") })
	if whole || !errors.Is(err, broken) {
		t.Errorf("got %v, %v", whole, err)
	}
}

// FuzzMaps: lines are those between newlines, whatever the pieces; and what is
// understood of a line stands in it.
func FuzzMaps(f *testing.F) {
	f.Add([]byte("55d0c7e00000-55d0c7e05000 r-xp 00002000 fe:01 247260     /usr/bin/sleep (deleted)\n7f6e1c000000-7f6e1c021000 r--p 00000000 fe:01 12 /usr/lib/x.so\n"), 7)
	f.Add([]byte("1-2 r-xp 0 fe:01 1 /usr/a\\012b (deleted) (deleted)\n\n1-2 rwxp 0 00:00 0\n7ffd-7ffe r-xp 0 00:00 0 [vdso]"), 1)
	f.Add(bytes.Repeat([]byte("x"), 300), 100)
	f.Fuzz(func(t *testing.T, data []byte, piece int) {
		const room = 128
		lines, whole := collect(t, string(data), max(1, piece%1000), room, len(data))
		var want []string
		fits := true
		for line := range strings.Lines(string(data)) {
			line = strings.TrimSuffix(line, "\n")
			if len(line) >= room {
				fits = false
				continue
			}
			want = append(want, line)
		}
		// A line as long as the room counts when its end was read together with it.
		if diff := cmp.Diff(want, lines); fits && (!whole || diff != "") {
			t.Error(diff)
		}
		if !fits && whole {
			t.Error("a line was left out without a word")
		}
		for _, line := range lines {
			m, ok := parseMapping([]byte(line))
			if !ok || len(m.path) == 0 {
				continue
			}
			if !strings.HasSuffix(line, string(m.path)) || !strings.Contains(line, strconv.FormatUint(m.inode, 10)) {
				t.Errorf("%q: got %+v", line, m)
			}
			for _, n := range []uint32{unix.Major(m.dev), unix.Minor(m.dev)} {
				if !strings.Contains(line, fmt.Sprintf("%x", n)) {
					t.Errorf("%q: no device number %x", line, n)
				}
			}
			places{}.judge(m)
		}
	})
}

func BenchmarkParseMapping(b *testing.B) {
	line := []byte("55d0c7e00000-55d0c7e05000 r-xp 00002000 fe:01 247260                     /usr/lib/x86_64-linux-gnu/libcrypto.so.3")
	b.ReportAllocs()
	for b.Loop() {
		if m, ok := parseMapping(line); !ok || m.inode != 247260 {
			b.Fatal(m)
		}
	}
}
