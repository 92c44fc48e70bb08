package dpkg

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func record(name, arch, version, status string) string {
	s := "Package: " + name + "\nStatus: " + status + "\nMaintainer: x <x@example.com>\nDescription: x\n"
	if arch != "all" {
		s += "Multi-Arch: same\n"
	}
	if arch != "" {
		s += "Architecture: " + arch + "\n"
	}
	if version != "" {
		s += "Version: " + version + "\n"
	}
	return s + "\n"
}

// TestJournalAgainstDpkg lets the real dpkg-query read a database with a journal.
func TestJournalAgainstDpkg(t *testing.T) {
	dir := t.TempDir()
	status := record("a", "amd64", "1", "install ok installed") + record("b", "amd64", "1", "install ok installed") +
		record("c", "all", "1", "install ok installed") + record("d", "amd64", "1", "hold ok installed") +
		record("d", "i386", "1", "install ok installed") + record("gone", "amd64", "1", "install ok installed")
	steps := []string{
		record("a", "amd64", "1", "install reinstreq half-installed"), record("a", "amd64", "2", "install ok unpacked"),
		record("b", "amd64", "3", "install ok half-configured"), record("d", "i386", "1.5", "install ok installed"),
		record("a", "amd64", "2", "install ok installed"), record("gone", "amd64", "1", "deinstall ok config-files"),
		record("e", "amd64", "", "install reinstreq half-installed"), record("f", "amd64", "7", "install ok unpacked"),
		strings.Replace(record("c", "amd64", "2", "install ok installed"), "Multi-Arch: same\n", "", 1),
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "updates"), 0o755); err != nil {
		t.Fatal(err)
	}
	write("status", status)
	write("arch", "amd64\ni386\n")
	write("updates/tmp.i", "#padding\n#padding\n")
	for i, s := range steps {
		write(fmt.Sprintf("updates/%04d", i), s)
	}
	cmd := exec.Command("dpkg-query", "--admindir="+dir, "-W", "-f", "${Package} ${Architecture} ${Version} ${db:Status-Want} ${db:Status-Status}\n")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ask dpkg-query (Debian package dpkg): %v", err)
	}
	want := strings.Split(strings.TrimSpace(string(out)), "\n")

	all, err := Read(strings.NewReader(status))
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Join(dir, "updates"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	files, err := Journal(names)
	if err != nil || len(files) != len(steps) {
		t.Fatalf("journal %q, %v", files, err)
	}
	var read []Package
	for i := range files {
		p, err := Read(strings.NewReader(steps[i]))
		if err != nil {
			t.Fatal(err)
		}
		read = append(read, p...)
	}
	var got []string
	for _, p := range Apply(all, read) {
		if p.State != "not-installed" {
			got = append(got, strings.Join([]string{p.Name, p.Arch, p.Version, p.Want, p.State}, " "))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-dpkg +ours:\n%s", d)
	}
}

func TestJournalNames(t *testing.T) {
	files, err := Journal([]string{"0002", "tmp.i", "0000", "", "x1", "0010"})
	if d := cmp.Diff([]string{"0000", "0002", "0010"}, files); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
	if _, err := Journal([]string{"0001", "00002"}); err == nil {
		t.Error("names of two lengths pass, dpkg stops at them")
	}
	var many []string
	for i := range maxJournal + 1 {
		many = append(many, fmt.Sprintf("%05d", i))
	}
	if _, err := Journal(many); err == nil {
		t.Error("no bound on the files")
	}
	if n := len(Apply(nil, nil)); n != 0 {
		t.Errorf("%d packages from nothing", n)
	}
}

func FuzzJournal(f *testing.F) {
	f.Add([]byte(record("a", "amd64", "2", "install ok unpacked")+record("b", "", "", "purge ok not-installed")), []byte(record("a", "all", "1", "install ok installed")))
	f.Fuzz(func(t *testing.T, step, status []byte) {
		all, err := Read(strings.NewReader(string(status)))
		if err != nil {
			return
		}
		steps, err := Read(strings.NewReader(string(step)))
		if err != nil {
			return
		}
		last := steps[len(steps)-1]
		n := len(all)
		got := Apply(all, steps)
		if len(got) < n || !slices.Contains(got, last) {
			t.Errorf("%+v is not among %+v", last, got)
		}
	})
}
