package file

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seawall/collector/alert"
)

type folder struct {
	*testing.T
	dir, path string
	now       time.Time
}

func open(t *testing.T) *folder {
	dir := t.TempDir()
	return &folder{t, dir, filepath.Join(dir, "out[1].jsonl"), time.Unix(1_800_000_000, 0)}
}

// sender is a new process's.
func (f *folder) sender(c Config) *Sender {
	f.Helper()
	c.Path, c.Now = f.path, func() time.Time { f.now = f.now.Add(time.Second); return f.now }
	s, err := New(c)
	if err != nil {
		f.Fatal(err)
	}
	return s
}

func parcel(id, body string) alert.Parcel {
	return alert.Parcel{ID: id, Kind: alert.KindRaw, Body: []byte(body)}
}

func (f *folder) send(s *Sender, id, body string) {
	f.Helper()
	if err := s.Send(f.Context(), parcel(id, body)); err != nil {
		f.Fatal(err)
	}
}

func (f *folder) want(want string) {
	f.Helper()
	got, err := os.ReadFile(f.path)
	if err != nil || string(got) != want {
		f.Errorf("the file has %q, %v, want %q", got, err, want)
	}
}

// TestOnce: a parcel that comes again is not written again, and what a process left
// unfinished is cut off, however it died.
func TestOnce(t *testing.T) {
	f := open(t)
	s := f.sender(Config{})
	f.send(s, "a", "one\n")
	f.send(s, "a", "one\n")
	f.send(f.sender(Config{}), "a", "one\n")
	f.want("one\n")
	if info, err := os.Stat(f.path); err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	// It died in the middle of b.
	out, err := os.OpenFile(f.path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.WriteString("tw"); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	f.send(f.sender(Config{}), "b", "two\n")
	f.want("one\ntwo\n")
	// It died before it had written the state down: b comes again.
	if err := os.Remove(s.name()); err != nil {
		t.Fatal(err)
	}
	f.send(f.sender(Config{}), "c", "three\n")
	f.want("one\ntwo\nthree\n")
}

// TestStays: what was in the file before it was ours stays, and so does what follows in a
// file that somebody else put in its place.
func TestStays(t *testing.T) {
	f := open(t)
	if err := os.WriteFile(f.path, []byte("theirs\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := f.sender(Config{})
	f.send(s, "a", "one\n")
	f.want("theirs\none\n")
	if err := os.Rename(f.path, f.path+".1"); err != nil { // as logrotate does
		t.Fatal(err)
	}
	f.send(s, "b", "two\n")
	f.want("two\n")
	if err := os.WriteFile(s.name(), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.send(s, "c", "three\n")
	f.want("two\nthree\n")
	if err := os.WriteFile(s.name(), []byte(`{"end":-5}`), 0o600); err != nil {
		t.Fatal(err)
	}
	f.send(s, "d", "four\n")
	f.want("two\nthree\nfour\n")
}

// TestAside: a full file is set aside, and the oldest of those go.
func TestAside(t *testing.T) {
	f := open(t)
	s := f.sender(Config{MaxBytes: minBytes, Keep: 2})
	large := strings.Repeat("x", minBytes-1) + "\n"
	for i := range 5 {
		f.send(s, fmt.Sprint(i), large)
	}
	f.send(s, "last", "one\n")
	f.want("one\n")
	names, err := os.ReadDir(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	var old int
	for _, n := range names {
		if strings.HasSuffix(n.Name(), "Z") {
			old++
			if info, err := n.Info(); err != nil || info.Size() != minBytes {
				t.Errorf("%s: %v", n.Name(), err)
			}
		}
	}
	if old != 2 || len(names) != 4 {
		t.Errorf("%v", names)
	}
}

func TestRefused(t *testing.T) {
	f := open(t)
	s := f.sender(Config{})
	if err := s.Send(t.Context(), alert.Parcel{ID: "a", Kind: alert.KindMessage}); !errors.Is(err, alert.ErrRefused) {
		t.Errorf("a message for people: %v", err)
	}
	if err := os.Symlink("/dev/null", f.path); err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), parcel("a", "one\n")); err == nil || errors.Is(err, alert.ErrRefused) {
		t.Errorf("through a link: %v", err)
	}
	if err := os.Remove(f.path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(f.path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), parcel("a", "one\n")); err == nil {
		t.Error("to a folder")
	}
	for name, c := range map[string]Config{"relative": {Path: "x"}, "none": {}, "up": {Path: "/a/../b"}, "root": {Path: "/"}, "small": {Path: "/x", MaxBytes: 5}, "many": {Path: "/x", Keep: 9999}} {
		if _, err := New(c); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// TestFull: a disk that is full takes nothing, and the parcel is whole when there is room.
func TestFull(t *testing.T) {
	f := open(t)
	f.path = "/dev/full"
	if err := f.sender(Config{}).Send(t.Context(), parcel("a", "one\n")); err == nil || errors.Is(err, alert.ErrRefused) {
		t.Errorf("a full disk: %v", err)
	}
}
