package rpmdb

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"seawall/pkg/hostfs"
)

// tag is an entry of a header that a test makes.
type tag struct {
	number, kind uint32
	values       []any // string or int
}

// header makes a header as rpm keeps it: the tags that the package came with in the
// immutable region, those of the installation behind it.
func header(region, added []tag) []byte {
	var index, data bytes.Buffer
	put := func(t tag) {
		if t.kind == typeInt32 {
			data.Write(make([]byte, -data.Len()&3))
		}
		for _, v := range []uint32{t.number, t.kind, uint32(data.Len()), uint32(len(t.values))} {
			_ = binary.Write(&index, binary.BigEndian, v)
		}
		for _, v := range t.values {
			switch v := v.(type) {
			case string:
				data.WriteString(v + "\x00")
			case int:
				_ = binary.Write(&data, binary.BigEndian, uint32(v))
			}
		}
	}
	for _, t := range region {
		put(t)
	}
	trailer := data.Len()
	inRegion := len(region) + 1
	for _, v := range []int32{63, 7, int32(-16 * inRegion), 16} {
		_ = binary.Write(&data, binary.BigEndian, v)
	}
	for _, t := range added {
		put(t)
	}
	var all bytes.Buffer
	for _, v := range []int{inRegion + len(added), data.Len(), 63, 7, trailer, 16} {
		_ = binary.Write(&all, binary.BigEndian, uint32(v))
	}
	all.Write(index.Bytes())
	all.Write(data.Bytes())
	return all.Bytes()
}

// headerOf makes the header of a package with a number of files.
func headerOf(p Package, files int) []byte {
	text := func(number uint32, s string) tag { return tag{number, typeString, []any{s}} }
	region := []tag{text(tagName, p.Name), text(tagVersion, p.Version), text(tagRelease, p.Release)}
	if p.Epoch >= 0 {
		region = append(region, tag{tagEpoch, typeInt32, []any{p.Epoch}})
	}
	region = append(region, tag{1004, typeI18N, []any{"a summary"}}, tag{1005, typeI18N, []any{strings.Repeat("words ", 50)}},
		tag{tagBuildTime, typeInt32, []any{int(p.BuildTime.Unix())}}, tag{1009, typeInt32, []any{files}})
	if p.Vendor != "" {
		region = append(region, text(tagVendor, p.Vendor))
	}
	region = append(region, text(1021, "linux"), text(tagArch, p.Arch))
	sizes, digests, bases, folders := tag{1028, typeInt32, nil}, tag{1035, typeArray, nil}, tag{1117, typeArray, nil}, tag{1116, typeInt32, nil}
	for i := range files {
		sizes.values = append(sizes.values, i)
		folders.values = append(folders.values, 0)
		digests.values = append(digests.values, fmt.Sprintf("%064x", i*len(p.Name)))
		bases.values = append(bases.values, fmt.Sprintf("file-%d", i))
	}
	if files > 0 {
		region = append(region, sizes, digests)
	}
	region = append(region, text(tagSource, p.SourceRPM))
	if files > 0 {
		region = append(region, folders, bases, tag{1118, typeArray, []any{"/usr/share/" + p.Name + "/"}})
	}
	if p.ModularityLabel != "" {
		region = append(region, text(tagModule, p.ModularityLabel))
	}
	return header(region, []tag{{tagInstall, typeInt32, []any{int(p.InstallTime.Unix())}}, {1127, typeInt32, []any{0}}})
}

// made is n packages of all sorts.
func made(n int) []Package {
	var all []Package
	for i := range n {
		p := Package{
			Name: fmt.Sprintf("package-%d", i), Version: fmt.Sprintf("%d.%d~rc^git", i%9, i), Release: "1.el9", Epoch: i%4 - 1,
			Arch: []string{"x86_64", "noarch", "i686"}[i%3], Vendor: []string{"", "A vendor", "B"}[i%3],
			InstallTime: time.Unix(int64(1600000000+i), 0), BuildTime: time.Unix(int64(1500000000+i), 0),
		}
		p.SourceRPM = fmt.Sprintf("source-%d-%s-%s.src.rpm", i/2, p.Version, p.Release)
		if i%5 == 0 {
			p.ModularityLabel = fmt.Sprintf("module:%d:902024:aaaa", i%2)
		}
		all = append(all, p)
	}
	return all
}

// run runs a program that the test needs.
func run(t testing.TB, stdin []byte, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("this test needs a program (Debian packages rpm, db5.3-util, sqlite3): %v", err)
	}
	cmd := exec.Command(path, args...)
	cmd.Stdin = bytes.NewReader(stdin)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "LC_ALL=C", "TZ=UTC")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%.2000s", name, args, err, out)
	}
	return string(out)
}

// host makes a root with a folder for the database and returns both.
func host(t testing.TB) (hostfs.Root, string) {
	t.Helper()
	dir := t.TempDir()
	folder := filepath.Join(dir, "var/lib/rpm")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return root, folder
}

// importDB has the real rpm make a database of headers.
func importDB(t testing.TB, folder string, headers ...[]byte) {
	t.Helper()
	var in bytes.Buffer
	for _, h := range headers {
		in.WriteString("\x8e\xad\xe8\x01\x00\x00\x00\x00")
		in.Write(h)
	}
	run(t, in.Bytes(), "rpmdb", "--dbpath", folder, "--importdb")
}

// importHash makes a Berkeley DB hash of headers as rpm before 4.16 has it.
func importHash(t testing.TB, folder, order string, page int, headers ...[]byte) {
	t.Helper()
	put := binary.AppendByteOrder(binary.LittleEndian)
	if order == "4321" {
		put = binary.BigEndian
	}
	var in strings.Builder
	fmt.Fprintf(&in, "VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize=%d\ndb_lorder=%s\nHEADER=END\n", page, order)
	write := func(n int, value []byte) {
		fmt.Fprintf(&in, " %x\n %s\n", put.AppendUint32(nil, uint32(n)), hex.EncodeToString(value))
	}
	write(0, put.AppendUint32(nil, uint32(len(headers))))
	for i, h := range headers {
		write(i+1, h)
	}
	in.WriteString("DATA=END\n")
	run(t, []byte(in.String()), "db5.3_load", filepath.Join(folder, bdbName))
}

func unzip(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
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

func write(t testing.TB, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// lines puts packages in the form of truth files, in order.
func lines(packages []Package) []string {
	var all []string
	for _, p := range packages {
		label, vendor := p.ModularityLabel, p.Vendor
		if label == "" {
			label = "(none)"
		}
		if vendor == "" {
			vendor = "(none)"
		}
		all = append(all, fmt.Sprintf("%s\t%d:%s-%s\t%s\t%s\t%d\t%s\t%s\t%d", p.Name, max(p.Epoch, 0), p.Version, p.Release, p.Arch,
			label, p.InstallTime.Unix(), p.SourceRPM, vendor, p.BuildTime.Unix()))
	}
	slices.Sort(all)
	return all
}

const format = `%{NAME}\t%{EPOCHNUM}:%{VERSION}-%{RELEASE}\t%{ARCH}\t%{MODULARITYLABEL}\t%{INSTALLTIME}\t%{SOURCERPM}\t%{VENDOR}\t%{BUILDTIME}\n`
