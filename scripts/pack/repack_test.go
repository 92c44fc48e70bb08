package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// nfpmPackage reads a package of two files and a link, as nfpm makes them.
func nfpmPackage(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func shell(t *testing.T, dir, script string) string {
	t.Helper()
	cmd := exec.Command("sh", "-ec", script)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// TestRepack lets the real programs read what came of it.
func TestRepack(t *testing.T) {
	for _, level := range []string{"-0", "-9e"} {
		dir := t.TempDir()
		for _, name := range []string{"small.deb", "small.rpm"} {
			if err := repack(dir, level, filepath.Join("testdata", name)); err != nil {
				t.Fatal(err)
			}
		}
		members := shell(t, dir, "ar t small.deb; dpkg-deb -x small.deb deb; cat deb/etc/small/f deb/usr/share/small/link 2>/dev/null || readlink deb/usr/share/small/link")
		if want := "debian-binary\ncontrol.tar.gz\ndata.tar.xz\nhello\n/usr/share/small/a-file\n"; members != want {
			t.Errorf("deb: %q, want %q", members, want)
		}
		// Names that start with "/" would go to the machine itself: --no-absolute-filenames says so if there are any.
		got := shell(t, dir, `mkdir rpm; cd rpm; rpm2cpio ../small.rpm | cpio --quiet -id --no-absolute-filenames; cat etc/small/f usr/share/small/a-file; readlink usr/share/small/link`)
		if want := "hello\nhello\n/usr/share/small/a-file\n"; got != want {
			t.Errorf("rpm: %q, want %q", got, want)
		}
		got = shell(t, dir, `rpm -K --nosignature small.rpm; rpm -qp --qf '%{payloadcompressor} %{payloadflags} %{summary}\n' small.rpm`)
		if want := "small.rpm: digests OK\nxz " + level[1:2] + "T1 two files\n"; got != want {
			t.Errorf("rpm: %q, want %q", got, want)
		}
		// createrepo_c adds up what is in the header, and rpm does not where it only looks.
		if got := shell(t, dir, "createrepo_c --quiet . 2>&1; ls repodata | grep -c primary.xml"); got != "1\n" {
			t.Errorf("createrepo_c: %s", got)
		}
	}
}

func TestRepackRefuses(t *testing.T) {
	rpm, deb := nfpmPackage(t, "small.rpm"), nfpmPackage(t, "small.deb")
	once, err := repackRPM(rpm, "-1", xz)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func([]byte, string, compressor) ([]byte, error)
		data   []byte
		want   string
	}{
		"no deb":             {repackDeb, rpm, "not a deb"},
		"a deb cut short":    {repackDeb, deb[:len(deb)-600], "of a member"},
		"a deb without data": {repackDeb, bytes.Replace(deb, []byte("data.tar"), []byte("date.tar"), 1), "no plain data.tar"},
		"no rpm":             {repackRPM, deb, "no header where one has to be"},
		"nothing":            {repackRPM, nil, "not an rpm"},
		"an rpm cut short":   {repackRPM, rpm[:len(rpm)-40], "payload: unexpected EOF"},
		"an rpm of only xz":  {repackRPM, once, "payload: gzip"},
	} {
		if _, err := test.change(test.data, "-1", xz); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	if err := repack(t.TempDir(), "-11", "testdata/small.deb"); err == nil {
		t.Error("a level that xz does not know is taken")
	}
}

// same stands for xz where millions of inputs are tried.
func same(data []byte, _ string) ([]byte, error) { return data, nil }

// FuzzRepackDeb holds that members before the data stay as they are.
func FuzzRepackDeb(f *testing.F) {
	f.Add(nfpmPackage(f, "small.deb"))
	f.Add([]byte("!<arch>\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := repackDeb(data, "-1", same)
		if err != nil {
			return
		}
		at := bytes.Index(out, []byte("data.tar.xz "))
		if at < 8 || !bytes.HasPrefix(data, out[:at]) {
			t.Errorf("what stands before the data is changed")
		}
	})
}

// FuzzRepackRPM holds that a package is as long as its parts, and its headers as they were.
func FuzzRepackRPM(f *testing.F) {
	f.Add(nfpmPackage(f, "small.rpm"))
	f.Add(make([]byte, leadSize))
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		out, err := repackRPM(data, "-1", same)
		if !bytes.Equal(data, before) {
			t.Fatal("the package that was given is changed")
		}
		if err == nil && !bytes.Equal(out[:leadSize], data[:leadSize]) {
			t.Error("the lead is changed")
		}
	})
}

// FuzzRelative holds that no name is left that starts with "/", and that a second time changes nothing.
func FuzzRelative(f *testing.F) {
	entry := func(name, body string) string {
		head := "070701" + strings.Repeat("00000000", 6) + hex8(len(body)) + strings.Repeat("00000000", 4) + hex8(len(name)+1) + "00000000"
		pad := func(s string) string { return s + strings.Repeat("\x00", (4-len(s)%4)%4) }
		return pad(head+name+"\x00") + pad(body)
	}
	f.Add([]byte(entry("/etc/f", "hello") + entry("./x", "") + entry(cpioTrailer, "")))
	f.Add([]byte(entry("/etc/f", "hello")))
	f.Fuzz(func(t *testing.T, archive []byte) {
		out, err := relative(archive)
		if err != nil {
			return
		}
		again, err := relative(out)
		if err != nil || !bytes.Equal(out, again) {
			t.Errorf("a second time: %v, %d bytes of %d", err, len(again), len(out))
		}
	})
}

func hex8(n int) string {
	const digits = "0123456789ABCDEF"
	b := []byte("00000000")
	for i := 7; n > 0; i, n = i-1, n>>4 {
		b[i] = digits[n&15]
	}
	return string(b)
}
