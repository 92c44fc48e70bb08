package repodata

import (
	"bytes"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
)

func modulesOf(r io.Reader) (builds []ModuleBuild, defaults []ModuleDefault, err error) {
	err = ScanModules(r, func(b *ModuleBuild) {
		builds = append(builds, ModuleBuild{b.Module, append([]string(nil), b.Artifacts...)})
	}, func(d ModuleDefault) { defaults = append(defaults, d) })
	return builds, defaults, err
}

func TestModules(t *testing.T) {
	file := decompressed(t, readFile(t, "repo/repodata/eab80fe80a7538277737cacd974f86c9a09b73ebcd096474730e368dd51b06a0-modules.yaml.gz"))
	got, _, err := modulesOf(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	want := []ModuleBuild{
		{Module{"nodejs", "18", "9040020240901", "aaaa1111", "x86_64"},
			[]string{"nodejs-1:18.19.0-1.module_el9.3.0+1.x86_64", "nodejs-1:18.20.4-1.module_el9.4.0+2.x86_64"}},
		{Module{"nodejs", "20", "9040020240901", "bbbb2222", "x86_64"}, []string{"nodejs-1:20.16.0-1.module_el9.4.0+3.x86_64"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

const forms = `# made by hand
--- # first
document: "modulemd"
version: 2
data:
  name: 'it''s'
  stream: rhel8  # the default
  description: >-
    name: not this
      data:
    stream: nor this

    document: nor this
  summary: a text that goes on
    name: not this either
  context: 0123abcd
  references:
    name: no
  dependencies:
  - requires:
      platform: [el8]
    stream: no
  profiles:
    common:
      rpms:
      - not-this
  artifacts:
    rpms:
    - a-0:1-1.noarch
    - "b-0:1-1.x86_64"
    rpm-map:
      sha256:
        - no
---
document: modulemd-defaults
data:
  module: perl
  stream: "5.26"
  profiles: {}
---
document: modulemd-obsoletes
data:
  module: x
  stream: y
...
---
document: modulemd
data:
    name: wide
    stream: 1
    artifacts:
        rpms:
            - c-0:1-1.noarch
---
document: modulemd
data:
  name: none
  artifacts: {}
`

func TestModuleForms(t *testing.T) {
	builds, defaults, err := modulesOf(strings.NewReader(strings.ReplaceAll(forms, "\n", "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	want := []ModuleBuild{
		{Module{Name: "it's", Stream: "rhel8", Context: "0123abcd"}, []string{"a-0:1-1.noarch", "b-0:1-1.x86_64"}},
		{Module{Name: "wide", Stream: "1"}, []string{"c-0:1-1.noarch"}},
		{Module{Name: "none"}, nil},
	}
	if diff := cmp.Diff(want, builds); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]ModuleDefault{{"perl", "5.26"}}, defaults); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func refused() []string {
	data := "document: modulemd\ndata:\n  "
	return []string{
		"document: modulemd\ndata: {name: x}\n", data + "name: &a x\n", data + "name: *a\n", data + "name: >\n    x\n", data + "name: \"x\n    y\"\n",
		data + "stream: \"\\q\"\n", data + "name: 'x' y\n", data + "artifacts: {rpms: [x]}\n", data + "artifacts:\n    rpms: [x]\n",
		data + "artifacts:\n    rpms:\n    - [x]\n", data + "artifacts:\n    rpms:\n    - !!str x\n",
	}
}

func TestModulesRefused(t *testing.T) {
	for _, text := range refused() {
		if b, _, err := modulesOf(strings.NewReader(text)); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%q: got %+v, %v", text, b, err)
		}
	}
	deep := ""
	for i := range 50 {
		deep += strings.Repeat(" ", i) + "x:\n"
	}
	if _, _, err := modulesOf(strings.NewReader(deep)); !errors.Is(err, ErrDamaged) {
		t.Errorf("deep: %v", err)
	}
}

// TestModulesMemory: what is kept of a line, of a key and of a document has bounds, and
// a short value does not hold on to a long line.
func TestModulesMemory(t *testing.T) {
	long := strings.Repeat("x", 60_000)
	artifacts := "document: modulemd\ndata:\n  name: m\n  artifacts:\n    rpms:\n"
	deep := ""
	for i := range maxLevels - 2 {
		deep += strings.Repeat(" ", i) + strings.Repeat("k", 30_000) + ":\n"
	}
	short := strings.Repeat(strings.Repeat(" ", maxLevels)+"a: b\n", 2000)
	for name, tt := range map[string]struct {
		text string
		want error
		most uint64 // MiB
	}{
		"long artifacts": {artifacts + strings.Repeat("    - "+long+"\n", 1000), ErrDamaged, 40},
		"long name":      {"document: modulemd\ndata:\n  name: " + long + "\n", ErrDamaged, 1},
		"deep long keys": {deep + short, nil, 8},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := modulesOf(strings.NewReader(tt.text))
		runtime.ReadMemStats(&after)
		if used := (after.TotalAlloc - before.TotalAlloc) >> 20; !errors.Is(err, tt.want) || used > tt.most {
			t.Errorf("%s: %v with %d MiB, want %v", name, err, used, tt.want)
		}
	}
	builds, _, err := modulesOf(strings.NewReader(artifacts + strings.Repeat("    - a-0:1-1.noarch # "+long+"\n", 1000)))
	if err != nil || len(builds) != 1 {
		t.Fatal(len(builds), err)
	}
	var held runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&held)
	if held.HeapAlloc > 30<<20 {
		t.Errorf("%d bytes are held by %d artifacts", held.HeapAlloc, len(builds[0].Artifacts))
	}
}

func FuzzModules(f *testing.F) {
	f.Add([]byte(forms))
	for _, text := range refused() {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) { modulesOf(bytes.NewReader(b)) })
}

func FuzzMD(f *testing.F) {
	f.Add(readFile(f, "repo/repodata/repomd.xml"))
	f.Fuzz(func(t *testing.T, b []byte) {
		md, err := ParseMD(bytes.NewReader(b))
		if err != nil {
			return
		}
		for _, d := range md.Data {
			if !inside(d.Href) {
				t.Errorf("%q leads out", d.Href)
			}
		}
	})
}

// FuzzAdvisories also goes through the decompressors.
func FuzzAdvisories(f *testing.F) {
	for _, name := range []string{"updateinfo.xml", "updateinfo.xml.gz", "updateinfo.xml.xz", "updateinfo.xml.zst", "updateinfo.xml.zck", "updateinfo-dict.xml.zck"} {
		f.Add(readFile(f, "formats/"+name))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		z, err := Decompress(bytes.NewReader(b), "x", 1<<20)
		if err != nil {
			return
		}
		defer z.Close()
		err = ScanAdvisories(z, all, func(a *Advisory) {
			for _, p := range a.Packages {
				if p.EVR != p.Epoch+":"+p.Version+"-"+p.Release || p.Name == "" {
					t.Errorf("%+v", p)
				}
			}
		})
		if err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrUnsupported) {
			t.Errorf("%v is none of this package's errors", err)
		}
	})
}

func FuzzPrimary(f *testing.F) {
	for _, name := range []string{"7e54cbceb861aa7d3e9898eb31757dcbbad5ba3e53df07ae1f0d524af6436dcd-primary.xml.gz",
		"0b4dad2ae2b013c466ba129114a17f7f795f011e7b0ebc53351c783791da4bc6-primary.sqlite.bz2"} {
		f.Add(decompressed(f, readFile(f, "repo/repodata/"+name)))
	}
	f.Fuzz(func(t *testing.T, b []byte) { availableOf(bytes.NewReader(b), all) })
}

// TestSeeds: the fuzz targets begin with real files.
func TestSeeds(t *testing.T) {
	for _, dir := range []string{"testdata/formats", "testdata/repo/repodata"} {
		if names, err := os.ReadDir(dir); err != nil || len(names) < 5 {
			t.Errorf("%s: %d files, %v", dir, len(names), err)
		}
	}
}

// large is updateinfo of a vendor's size: 5,000 advisories, 30 MB.
func large() []byte {
	var b bytes.Buffer
	b.WriteString("<updates>")
	text := strings.Repeat("A flaw was found in the way that the kernel handles memory. ", 40)
	for i := range 5000 {
		id := strings.Repeat("0", 4) + string(rune('a'+i%26))
		b.WriteString("<update type=\"security\"><id>X-" + id + "</id><title>Important: x</title><issued date=\"2024-05-01 00:00:00\"/><severity>Important</severity>\n<description>" + text + "</description>\n<references>\n")
		for range 3 {
			b.WriteString("  <reference href=\"https://example.com/security/cve/CVE-2024-" + id + "\" id=\"CVE-2024-" + id + "\" type=\"cve\" title=\"CVE\"/>\n")
		}
		b.WriteString("</references><pkglist><collection short=\"x\"><name>x</name>\n")
		for k := range 10 {
			name := "other"
			if k == 0 {
				name = "wanted"
			}
			b.WriteString("  <package name=\"" + name + id + "\" version=\"1.2.3\" release=\"4.el9\" epoch=\"0\" arch=\"x86_64\" src=\"x-1.2.3-4.el9.src.rpm\">\n    <filename>x-1.2.3-4.el9.x86_64.rpm</filename>\n    <sum type=\"sha256\">0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef</sum>\n  </package>\n")
		}
		b.WriteString("</collection></pkglist></update>\n")
	}
	b.WriteString("</updates>")
	return b.Bytes()
}

func BenchmarkAdvisories(b *testing.B) {
	plain := large()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(plain); err != nil {
		b.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	for name, file := range map[string][]byte{"plain": plain, "gz": packed.Bytes()} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(plain)))
			b.ReportAllocs()
			for b.Loop() {
				z, err := Decompress(bytes.NewReader(file), name, 0)
				if err != nil {
					b.Fatal(err)
				}
				n := 0
				if err := ScanAdvisories(z, func(name []byte) bool { return name[0] == 'w' }, func(*Advisory) { n++ }); err != nil || n != 5000 {
					b.Fatal(n, err)
				}
			}
		})
	}
}
