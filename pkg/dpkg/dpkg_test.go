package dpkg

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/deb822"
)

// debian12 is the status file of a real Debian 12 with 758 packages.
func debian12(t testing.TB) []byte {
	t.Helper()
	f, err := os.Open("testdata/debian12-status.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReadRealStatus(t *testing.T) {
	all, err := Read(bytes.NewReader(debian12(t)))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 758 {
		t.Errorf("%d packages, want 758", len(all))
	}
	for i := range all {
		if all[i].Name == "libssl3" {
			want := Package{Name: "libssl3", Arch: "amd64", Version: all[i].Version, Source: "openssl",
				SourceVersion: all[i].Version, Want: "install", State: "installed"}
			if d := cmp.Diff(want, all[i]); d != "" {
				t.Errorf("libssl3 (-want +got):\n%s", d)
			}
		}
	}
}

// TestReadThisHost compares with dpkg-query on the host that runs the test.
func TestReadThisHost(t *testing.T) {
	f, err := os.Open(StatusFile)
	if err != nil {
		t.Fatalf("this test compares with dpkg-query on a Debian host: %v", err)
	}
	defer f.Close()
	all, err := Read(f)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, p := range all {
		got.WriteString(strings.Join([]string{p.Name, p.Arch, p.Version, p.Source, p.SourceVersion, p.Want, p.State}, "\t") + "\n")
	}
	want, err := exec.Command("dpkg-query", "-W", "-f", "${Package}\t${Architecture}\t${Version}\t${source:Package}\t${source:Version}\t${db:Status-Want}\t${db:Status-Status}\n").Output()
	if err != nil {
		t.Fatalf("run dpkg-query: %v", err)
	}
	if d := cmp.Diff(lines(string(want)), lines(got.String())); d != "" {
		t.Errorf("dpkg-query and Read differ (-dpkg-query +Read):\n%s", d)
	}
}

func lines(s string) map[string]bool {
	set := map[string]bool{}
	for l := range strings.Lines(s) {
		set[l] = true
	}
	return set
}

func TestStates(t *testing.T) {
	for _, tt := range []struct {
		status          string
		installed, held bool
	}{
		{"install ok installed", true, false},
		{"hold ok installed", true, true},
		{"install ok half-configured", true, false},
		{"install reinstreq half-installed", true, false},
		{"install ok unpacked", true, false},
		{"install ok triggers-awaited", true, false},
		{"install ok triggers-pending", true, false},
		{"deinstall ok installed", true, false},
		{"deinstall ok config-files", false, false},
		{"purge ok not-installed", false, false},
		{"unknown ok not-installed", false, false},
		{"hold ok config-files", false, true},
	} {
		all, err := Read(strings.NewReader("Package: a\nStatus: " + tt.status + "\nVersion: 1\nArchitecture: all\n\n"))
		if err != nil {
			t.Errorf("%s: %v", tt.status, err)
			continue
		}
		if all[0].Installed() != tt.installed || all[0].Held() != tt.held {
			t.Errorf("%s: installed %v held %v, want %v %v", tt.status, all[0].Installed(), all[0].Held(), tt.installed, tt.held)
		}
	}
}

func TestSource(t *testing.T) {
	const head = "Package: libx1\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:2-3+b1\n"
	for _, tt := range []struct{ field, name, version string }{
		{"", "libx1", "1:2-3+b1"},
		{"Source: x\n", "x", "1:2-3+b1"},
		{"Source: x (1:2-3)\n", "x", "1:2-3"},
	} {
		all, err := Read(strings.NewReader(head + tt.field))
		if err != nil {
			t.Fatal(err)
		}
		if all[0].Source != tt.name || all[0].SourceVersion != tt.version {
			t.Errorf("%q: %s %s, want %s %s", tt.field, all[0].Source, all[0].SourceVersion, tt.name, tt.version)
		}
	}
}

func TestBroken(t *testing.T) {
	const good = "Package: a\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n"
	for _, tt := range []struct{ name, text, want string }{
		{"garbage", good + "\x00\x01\x02garbage\n", "line 6: not a field"},
		{"html", "<html>\n<body>\n", "line 1: not a field"},
		{"cut in a line", good + "Package: b\nStatus: inst", "line 7: file ends within a line"},
		{"cut behind a line", good + "Package: b\nStatus: install ok installed\n", `line 6: package "b" is installed and has no Version`},
		{"cut before status", good + "Package: b\n", `package "b" has no valid Status`},
		{"unknown state", strings.Replace(good, "ok installed", "ok fine", 1), `line 2: package "a" has no valid Status`},
		{"no name", "Status: install ok installed\nVersion: 1\nArchitecture: all\n", "line 1: stanza without Package"},
		{"continuation first", " a\n" + good, "line 1: not a field"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all, err := Read(strings.NewReader(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v and error %v, want error with %q", all, err, tt.want)
			}
		})
	}
	if _, err := Read(strings.NewReader("\n\n")); !errors.Is(err, ErrEmpty) {
		t.Errorf("empty file: %v, want %v", err, ErrEmpty)
	}
}

// TestEveryTruncation cuts a real file at many places: nothing but a cut between
// two stanzas may go unnoticed.
func TestEveryTruncation(t *testing.T) {
	whole := debian12(t)[:20_000]
	for n := range whole {
		if n == 0 || whole[n-1] == '\n' {
			continue
		}
		if _, err := Read(bytes.NewReader(whole[:n])); err == nil {
			t.Errorf("cut at byte %d goes unnoticed", n)
		}
	}
}

// TestLongLine feeds a line of 100 MB and expects a refusal after about one.
func TestLongLine(t *testing.T) {
	in := &counter{r: io.MultiReader(strings.NewReader("Package: a\nDescription: "), io.LimitReader(letters{}, 100<<20))}
	_, err := Read(in)
	if !errors.Is(err, deb822.ErrTooLong) || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("got %v, want %v with line 1", err, deb822.ErrTooLong)
	}
	if in.n > 4<<20 {
		t.Errorf("read %d bytes before refusing", in.n)
	}
}

type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

type counter struct {
	r io.Reader
	n int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

// repeated is a file of one text, over and over.
type repeated struct{ text, rest string }

func (r *repeated) Read(p []byte) (int, error) {
	if r.rest == "" {
		r.rest = r.text
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// TestBounds: a file without end is an error, and none that ends at the limit.
func TestBounds(t *testing.T) {
	const stanza = "Package: p\nStatus: install ok not-installed\n\n"
	if all, err := Read(&repeated{text: stanza}); err == nil || !strings.Contains(err.Error(), "more than 200000 packages") {
		t.Errorf("%d packages, %v", len(all), err)
	}
	blank := io.MultiReader(strings.NewReader(stanza), &repeated{text: strings.Repeat("\n", 1<<16)})
	if all, err := Read(blank); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("empty lines without end: %d packages, %v", len(all), err)
	}
}

func TestReadArchitectures(t *testing.T) {
	if d := cmp.Diff([]string{"amd64", "i386"}, ReadArchitectures([]byte("amd64\ni386\n"))); d != "" {
		t.Error(d)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(debian12(f)[:4000])
	f.Add([]byte("Package: a\nStatus: hold ok installed\nVersion: 1\nArchitecture: all\nSource: b (2)\n\n"))
	f.Add([]byte("Package: a\n# comment\n more\nStatus: purge ok not-installed\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		for _, p := range all {
			if p.Name == "" || p.State == "" || p.Installed() && (p.Version == "" || p.Arch == "") {
				t.Errorf("incomplete package %+v", p)
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	text := debian12(b)
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Read(bytes.NewReader(text)); err != nil {
			b.Fatal(err)
		}
	}
}
