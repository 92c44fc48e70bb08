package repodata

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/gzip"
)

// testdata/repo is a repository that createrepo_c and modifyrepo_c made,
// testdata/formats its advisories in every compression, made by gzip, xz, zstd and
// zck.

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func all([]byte) bool { return true }

func decompressed(t testing.TB, file []byte) []byte {
	t.Helper()
	z, err := Decompress(bytes.NewReader(file), "file", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func advisoriesOf(r io.Reader, want func([]byte) bool) ([]Advisory, error) {
	var got []Advisory
	err := ScanAdvisories(r, want, func(a *Advisory) {
		kept := *a
		kept.CVEs = append([]string(nil), a.CVEs...)
		kept.Packages = append([]AdvisoryPackage(nil), a.Packages...)
		got = append(got, kept)
	})
	return got, err
}

// standard is updateinfo.xml as encoding/xml reads it.
func standard(t testing.TB, file []byte) []Advisory {
	t.Helper()
	type pkg struct {
		Name    string  `xml:"name,attr"`
		Epoch   string  `xml:"epoch,attr"`
		Version string  `xml:"version,attr"`
		Release string  `xml:"release,attr"`
		Arch    string  `xml:"arch,attr"`
		Reboot  *string `xml:"reboot_suggested"`
	}
	var doc struct {
		Updates []struct {
			Type     string `xml:"type,attr"`
			ID       string `xml:"id"`
			Title    string `xml:"title"`
			Severity string `xml:"severity"`
			Issued   struct {
				Date string `xml:"date,attr"`
			} `xml:"issued"`
			References []struct {
				ID   string `xml:"id,attr"`
				Type string `xml:"type,attr"`
			} `xml:"references>reference"`
			Collections []struct {
				Module struct {
					Name    string `xml:"name,attr"`
					Stream  string `xml:"stream,attr"`
					Version string `xml:"version,attr"`
					Context string `xml:"context,attr"`
					Arch    string `xml:"arch,attr"`
				} `xml:"module"`
				Packages []pkg `xml:"package"`
			} `xml:"pkglist>collection"`
		} `xml:"update"`
	}
	if err := xml.Unmarshal(file, &doc); err != nil {
		t.Fatal(err)
	}
	var all []Advisory
	for _, u := range doc.Updates {
		a := Advisory{ID: u.ID, Title: u.Title, Type: u.Type, Severity: u.Severity}
		for _, layout := range []string{time.DateOnly, time.DateTime} {
			if at, err := time.Parse(layout, u.Issued.Date); err == nil {
				a.Issued, a.Updated = at, at
			}
		}
		for _, r := range u.References {
			if r.Type == "cve" {
				a.CVEs = append(a.CVEs, r.ID)
			}
		}
		for _, c := range u.Collections {
			for _, p := range c.Packages {
				a.RebootSuggested = a.RebootSuggested || p.Reboot != nil
				a.Packages = append(a.Packages, AdvisoryPackage{Name: p.Name, Arch: p.Arch, EVR: p.Epoch + ":" + p.Version + "-" + p.Release,
					Epoch: p.Epoch, Version: p.Version, Release: p.Release, Module: Module(c.Module), RebootSuggested: p.Reboot != nil})
			}
		}
		all = append(all, a)
	}
	return all
}

func TestAdvisories(t *testing.T) {
	file := decompressed(t, readFile(t, "repo/repodata/59a6cc49d16cf2ac90cab5ffdef4aa4c917709294576bf84bc83dea6b8d7dfd0-updateinfo.xml.gz"))
	want := standard(t, file)
	if len(want) != 14 || want[8].Packages[0].Module.Context == "" || !want[6].RebootSuggested {
		t.Fatalf("testdata is not what it was: %+v", want)
	}
	got, err := advisoriesOf(bytes.NewReader(file), all)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("-encoding/xml +got:\n%s", diff)
	}
	got, err = advisoriesOf(bytes.NewReader(file), func(name []byte) bool { return string(name) == "kernel-core" })
	if err != nil || len(got) != 2 || len(got[0].Packages) != 1 || got[0].Packages[0].EVR != "0:5.14.0-503.40.1.el9_5" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestFormats: the same advisories in every compression.
func TestFormats(t *testing.T) {
	want := standard(t, readFile(t, "formats/updateinfo.xml"))
	names, err := filepath.Glob("testdata/formats/*")
	if err != nil || len(names) != 6 {
		t.Fatalf("%v, %v", names, err)
	}
	for _, name := range names {
		file := readFile(t, strings.TrimPrefix(name, "testdata/"))
		for _, r := range []io.Reader{bytes.NewReader(file), iotest.OneByteReader(bytes.NewReader(file))} {
			z, err := Decompress(r, name, 0)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			got, err := advisoriesOf(z, all)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
			if err := z.Close(); err != nil {
				t.Error(err)
			}
		}
		for n := 0; n < len(file); n += 1 + n/20 {
			z, err := Decompress(bytes.NewReader(file[:n]), name, 0)
			if err == nil {
				_, err = advisoriesOf(z, all)
			}
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("%s cut after %d bytes: %v", name, n, err)
			}
		}
	}
}

func TestAdvisoryForms(t *testing.T) {
	const doc = `<updates><update type=" security"><pkglist><collection><module name="m" stream="1"/>
		<package name="a" version="1" release="2" arch="noarch"><reboot_suggested>0</reboot_suggested></package>
		<package name="b&amp;c" version="1" release="2" epoch=""/><package version="9"/></collection>
		<collection><package name="d" epoch="3" version="1" release="2"><relogin_suggested/><reboot_suggested/></package></collection></pkglist>
		<id> A-1
		</id><title><![CDATA[<x> & y]]></title><severity/><issued date="1700000000"/><updated date="never"/>
		<references><reference type="CVE" id="CVE-1"/><reference type="bugzilla" id="7"/><reference type="cve"/></references></update>
		<other><id>no</id></other><update><id>empty</id></update></updates>`
	got, err := advisoriesOf(strings.NewReader(doc), all)
	if err != nil {
		t.Fatal(err)
	}
	m := Module{Name: "m", Stream: "1"}
	want := []Advisory{{
		ID: "A-1", Title: "<x> & y", Type: " security", Issued: time.Unix(1700000000, 0).UTC(), CVEs: []string{"CVE-1"}, RebootSuggested: true,
		Packages: []AdvisoryPackage{
			{Name: "a", Arch: "noarch", EVR: "0:1-2", Epoch: "0", Version: "1", Release: "2", Module: m},
			{Name: "b&c", EVR: "0:1-2", Epoch: "0", Version: "1", Release: "2", Module: m},
			{Name: "d", EVR: "3:1-2", Epoch: "3", Version: "1", Release: "2", RebootSuggested: true},
		},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func availableOf(r io.Reader, want func([]byte) bool) ([]Available, error) {
	var got []Available
	err := ScanPrimary(r, want, func(a *Available) { got = append(got, *a) })
	return got, err
}

// TestPrimary: the XML and the database that createrepo_c made say the same, and
// what encoding/xml sees.
func TestPrimary(t *testing.T) {
	file := decompressed(t, readFile(t, "repo/repodata/7e54cbceb861aa7d3e9898eb31757dcbbad5ba3e53df07ae1f0d524af6436dcd-primary.xml.gz"))
	database := decompressed(t, readFile(t, "repo/repodata/0b4dad2ae2b013c466ba129114a17f7f795f011e7b0ebc53351c783791da4bc6-primary.sqlite.bz2"))
	var doc struct {
		Packages []struct {
			Name    string `xml:"name"`
			Arch    string `xml:"arch"`
			Version struct {
				Epoch string `xml:"epoch,attr"`
				Ver   string `xml:"ver,attr"`
				Rel   string `xml:"rel,attr"`
			} `xml:"version"`
			Source string `xml:"format>sourcerpm"`
		} `xml:"package"`
	}
	if err := xml.Unmarshal(file, &doc); err != nil {
		t.Fatal(err)
	}
	var want []Available
	for _, p := range doc.Packages {
		v := p.Version
		want = append(want, Available{Name: p.Name, Arch: p.Arch, EVR: v.Epoch + ":" + v.Ver + "-" + v.Rel, Epoch: v.Epoch, Version: v.Ver, Release: v.Rel, Source: p.Source})
	}
	if len(want) != 16 || want[0].Source == "" {
		t.Fatalf("testdata is not what it was: %+v", want)
	}
	byNEVRA := cmpopts.SortSlices(func(a, b Available) bool { return a.Name+a.EVR+a.Arch < b.Name+b.EVR+b.Arch })
	for kind, file := range map[string][]byte{"xml": file, "sqlite": database} {
		got, err := availableOf(bytes.NewReader(file), all)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if diff := cmp.Diff(want, got, byNEVRA); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
		got, err = availableOf(bytes.NewReader(file), func(name []byte) bool { return string(name) == "nodejs" })
		if err != nil || len(got) != 2 {
			t.Errorf("%s: got %+v, %v", kind, got, err)
		}
		if got, err := availableOf(bytes.NewReader(file[:len(file)/2]), all); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s, half of it: %d packages, %v", kind, len(got), err)
		}
	}
}

func TestRepository(t *testing.T) {
	md, err := ParseMD(bytes.NewReader(readFile(t, "repo/repodata/repomd.xml")))
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Unix(1795289857, 0); !md.Published().Equal(want) || len(md.Data) != 8 {
		t.Errorf("published %v, %d files", md.Published(), len(md.Data))
	}
	read := 0
	for _, kind := range []string{"primary", "updateinfo", "modules"} {
		for _, d := range md.Pick(kind) {
			file := readFile(t, "repo/"+d.Href)
			if d.Size != int64(len(file)) || d.Timestamp.IsZero() {
				t.Errorf("%+v", d)
			}
			read++
			for what, tt := range map[string]struct {
				file []byte
				d    func(*Data)
				want error
			}{
				"whole":          {file, func(*Data) {}, nil},
				"without a size": {file, func(d *Data) { d.Size = -1 }, nil},
				"upper case":     {file, func(d *Data) { d.Checksum = strings.ToUpper(d.Checksum) }, nil},
				"half":           {file[:len(file)/2], func(*Data) {}, ErrDamaged},
				"longer":         {append(bytes.Clone(file), "more"...), func(*Data) {}, ErrDamaged},
				"other":          {file, func(d *Data) { d.Checksum = strings.Repeat("0", 64) }, ErrDamaged},
				"other size":     {file, func(d *Data) { d.Size++ }, ErrDamaged},
				"plain":          {[]byte("<updates></updates>"), func(*Data) {}, ErrDamaged},
				"no checksum":    {file, func(d *Data) { d.ChecksumType = "crc" }, ErrUnsupported},
			} {
				changed := d
				tt.d(&changed)
				n, err := open(tt.file, changed)
				if !errors.Is(err, tt.want) || err == nil && n != d.OpenSize {
					t.Errorf("%s, %s: %d bytes, %v", d.Href, what, n, err)
				}
			}
		}
	}
	if read != 4 || len(md.Pick("none")) != 0 || md.Pick("primary")[1].Type != "primary_db" {
		t.Errorf("read %d files, %+v", read, md.Pick("primary"))
	}
}

func open(file []byte, d Data) (int64, error) {
	z, err := Open(bytes.NewReader(file), d)
	if err != nil {
		return 0, err
	}
	defer z.Close()
	return io.Copy(io.Discard, z)
}

func TestMD(t *testing.T) {
	md, err := ParseMD(strings.NewReader(`<repomd><revision>8.9-stable</revision><tags><distro cpeid="cpe:/o:x">X 8</distro><repo>y</repo></tags>
		<data type="updateinfo_zck"><location href="repodata/u.zck"/><timestamp>1700000001.5</timestamp></data>
		<data type="updateinfo"><location href="repodata/u.gz"/><checksum type="sha256">ab</checksum></data></repomd>`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"X 8", "y"}, md.Tags); diff != "" || md.Revision != "8.9-stable" || md.Published().Unix() != 1700000001 {
		t.Errorf("got %+v, published %v", md, md.Published())
	}
	if p := md.Pick("updateinfo"); len(p) != 2 || p[0].Href != "repodata/u.zck" || p[1].Checksum != "ab" || p[1].Size != -1 {
		t.Errorf("got %+v", p)
	}
	if !new(MD).Published().IsZero() {
		t.Error("published without a time")
	}
	data := `<data type="x"><location href="x"/></data>`
	for name, doc := range map[string]string{
		"empty":         "",
		"other":         "<metalink/>",
		"cut":           "<repomd><revision>1</revision>",
		"absolute":      `<repomd><data type="x"><location href="/etc/passwd"/></data></repomd>`,
		"up":            `<repomd><data type="x"><location href="../../etc/passwd"/></data></repomd>`,
		"inside and up": `<repomd><data type="x"><location href="repodata/../../x"/></data></repomd>`,
		"no file":       `<repomd><data type="x"></data></repomd>`,
		"size":          `<repomd><data type="x"><location href="x"/><size>-1</size></data></repomd>`,
		"large":         "<repomd>" + strings.Repeat(data, 1<<15) + "</repomd>",
		"long text":     "<repomd><revision>" + strings.Repeat("1", 5000) + "</revision></repomd>",
		"many tags":     "<repomd><tags>" + strings.Repeat("<a>b</a>", 100) + "</tags></repomd>",
		"doctype":       `<!DOCTYPE repomd [<!ENTITY a "b">]><repomd/>`,
	} {
		if md, err := ParseMD(strings.NewReader(doc)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: got %+v, %v", name, md, err)
		}
	}
	many := "<repomd>"
	for i := range 300 {
		many += fmt.Sprintf(`<data type="%d"><location href="x"/></data>`, i)
	}
	if _, err := ParseMD(strings.NewReader(many + "</repomd>")); !errors.Is(err, ErrDamaged) {
		t.Errorf("many files: %v", err)
	}
}

// endless is a document that never ends.
type endless struct {
	begin, again string
	left         string
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left == "" {
		e.left, e.begin = e.begin+e.again, ""
	}
	n := copy(p, e.left)
	e.left = e.left[n:]
	return n, nil
}

// TestBounds: what has no end is an error in bounded memory.
func TestBounds(t *testing.T) {
	update := `<updates><update><id>x</id><pkglist><collection>`
	scan := func(r io.Reader) error { _, err := advisoriesOf(r, all); return err }
	primary := func(r io.Reader) error { _, err := availableOf(r, all); return err }
	modules := func(r io.Reader) error { _, _, err := modulesOf(r); return err }
	for name, tt := range map[string]struct {
		read         func(io.Reader) error
		begin, again string
	}{
		"attribute":  {scan, `<updates><update from="`, "xxxx"},
		"title":      {scan, "<updates><update><title>", "xxxx"},
		"depth":      {scan, "<updates>", "<update>"},
		"packages":   {scan, update, `<package name="a" version="1"/>`},
		"modules":    {scan, update, `<module name="a"/>`},
		"references": {scan, "<updates><update><references>", `<reference type="cve" id="CVE-2024-12345"/>`},
		"bomb":       {scan, `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">`, `<!ENTITY b "&a;&a;&a;">`},
		"name":       {primary, "<metadata><package><name>", "xxxx"},
		"versions":   {primary, "<metadata><package><name>a</name>", `<version ver="1" rel="2"/>`},
		"sqlite":     {primary, "SQLite format 3\x00", "xxxx"},
		"line":       {modules, "document: ", "xxxx"},
		"artifacts":  {modules, "document: modulemd\ndata:\n  artifacts:\n    rpms:\n", "    - a-0:1-1.noarch\n"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := tt.read(&endless{begin: tt.begin, again: strings.Repeat(tt.again, 100)})
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 32 && name != "sqlite" || used > 400 {
			t.Errorf("%s took %d MiB", name, used)
		}
	}
}

// TestBomb: a small file that becomes a large one ends at the limit.
func TestBomb(t *testing.T) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.CopyN(w, &endless{again: strings.Repeat(" ", 1<<16)}, 1<<24); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	z, err := Decompress(&b, "bomb", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, z); !errors.Is(err, ErrDamaged) || n > 1<<20 {
		t.Errorf("got %d bytes, %v", n, err)
	}
	if _, err := Decompress(strings.NewReader("]\x00\x00\x80"), "lzma", 0); !errors.Is(err, ErrUnsupported) {
		t.Errorf("lzma: %v", err)
	}
}

// packed compresses blanks by the real programs.
func packed(t testing.TB, mib int, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = io.LimitReader(&endless{again: strings.Repeat(" ", 1<<16)}, int64(mib)<<20)
	b, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v", name, args, err)
	}
	return b
}

// TestSmallBombs: files of some KB that would become hundreds of MB end soon, in
// memory that what they ask for does not tell. All that is allocated is counted, not
// only what is held at once.
func TestSmallBombs(t *testing.T) {
	fresh := packed(t, 1, "xz", "-zc", "-0")
	for name, tt := range map[string]struct {
		file []byte
		want error
		most uint64 // MiB
	}{
		"gzip":                {bytes.Repeat(packed(t, 1, "gzip", "-9c"), 60), ErrDamaged, 4},
		"xz":                  {packed(t, 36, "xz", "-zc", "-6"), ErrDamaged, 12},
		"xz of small blocks":  {bytes.Repeat(packed(t, 1, "xz", "-zc", "-6", "--block-size=262144"), 40), ErrDamaged, 60},
		"xz of 64 MiB later":  {append(fresh, packed(t, 1, "xz", "-zc", "-9")...), ErrUnsupported, 2},
		"zstd":                {packed(t, 40, "zstd", "-c"), ErrDamaged, 16},
		"zstd of 128 MiB":     {packed(t, 1, "zstd", "--ultra", "--long=27", "-c"), ErrUnsupported, 4},
		"zstd of it later":    {append(packed(t, 1, "zstd", "-c"), packed(t, 1, "zstd", "--ultra", "--long=27", "-c")...), ErrDamaged, 4},
		"zstd of many frames": {bytes.Repeat(packed(t, 1, "zstd", "-c"), 100), ErrDamaged, 60},
		"bzip2":               {packed(t, 34, "bzip2", "-c"), ErrDamaged, 12},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		z, err := Decompress(bytes.NewReader(tt.file), name, 0)
		n := int64(0)
		if err == nil {
			n, err = io.Copy(io.Discard, z)
			z.Close()
		}
		runtime.ReadMemStats(&after)
		used := (after.TotalAlloc - before.TotalAlloc) >> 20
		t.Logf("%s: %d bytes became %d MiB with %d MiB: %v", name, len(tt.file), n>>20, used, err)
		if !errors.Is(err, tt.want) || n > freeGrowth+maxRatio*int64(len(tt.file)) || used > tt.most {
			t.Errorf("%s: %d MiB, %d MiB of memory, %v, want %v", name, n>>20, used, err, tt.want)
		}
	}
}

// TestSizes: a size in repomd.xml is a promise, and not one to count with.
func TestSizes(t *testing.T) {
	file := readFile(t, "formats/updateinfo.xml.gz")
	for size, want := range map[int64]error{
		math.MaxInt64: ErrDamaged, math.MaxInt64 - 1: ErrDamaged, MaxOpen + 1: ErrDamaged, int64(len(file)) - 1: ErrDamaged, 0: ErrDamaged,
		int64(len(file)): nil, -1: nil,
	} {
		sum := fmt.Sprintf("%x", sha256.Sum256(file))
		if _, err := open(file, Data{Href: "x", ChecksumType: "sha256", Checksum: sum, Size: size}); !errors.Is(err, want) {
			t.Errorf("size %d: got %v, want %v", size, err, want)
		}
	}
	// Without a size, a file that has no end ends all the same.
	r := &summed{r: &endless{again: strings.Repeat("\x00", 1<<16)}, hash: md5.New(), data: Data{Size: -1}, most: 1 << 20}
	if n, err := io.Copy(io.Discard, struct{ io.Reader }{r}); !errors.Is(err, ErrDamaged) || n != r.most+1 {
		t.Errorf("endless: %d bytes, %v", n, err)
	}
}

// TestReadError: an error of the system stays what it is.
func TestReadError(t *testing.T) {
	broken := &os.PathError{Op: "read", Path: "x", Err: errors.New("input/output error")}
	file := readFile(t, "formats/updateinfo.xml.gz")
	for _, n := range []int{0, 100, 800} {
		r := io.MultiReader(bytes.NewReader(file[:n]), iotest.ErrReader(broken))
		z, err := Decompress(r, "x", 0)
		if err == nil {
			_, err = advisoriesOf(z, all)
		}
		if !errors.Is(err, broken) || errors.Is(err, ErrDamaged) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}

func TestDate(t *testing.T) {
	for text, want := range map[string]string{
		"2024-05-01": "2024-05-01T00:00:00Z", "2024-05-01 01:02:03": "2024-05-01T01:02:03Z", "2024-05-01 01:02": "2024-05-01T01:02:00Z",
		"2024-05-01 01:02:03 UTC": "2024-05-01T01:02:03Z", "2024-05-01T01:02:03+02:00": "2024-04-30T23:02:03Z",
		"1714525323": "2024-05-01T01:02:03Z", "1714525323.75": "2024-05-01T01:02:03Z",
		"": "", "0": "", "never": "", "-5": "", "1e300": "", "NaN": "", "2024-13-01": "", "2024-05-01 01:02:03 CET": "", "2024-05-01x": "",
	} {
		got := date(text)
		if want == "" != got.IsZero() || want != "" && got.Format(time.RFC3339) != want {
			t.Errorf("%q: got %v, want %q", text, got, want)
		}
	}
}
