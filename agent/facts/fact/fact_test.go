package fact

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"seawall/pkg/hostfs"
)

// TestFail: what a real reading answers decides the state, and nothing of it is
// known.
func TestFail(t *testing.T) {
	dir := t.TempDir()
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600), os.WriteFile(filepath.Join(dir, "big"), make([]byte, 10), 0o600)); err != nil {
		t.Fatal(err)
	}
	_, absent := root.ReadFile("/none", 0)
	_, fifo := root.ReadFile("/fifo", 0)
	_, big := root.ReadFile("/big", 9)
	for _, tt := range []struct {
		err  error
		want State
	}{
		{absent, StateAbsent},
		{fifo, StateError},
		{big, StateError},
		{&fs.PathError{Op: "open", Path: "/x", Err: unix.EACCES}, StateUnknown},
		{unix.EPERM, StateUnknown}, // the kernel's answer to a socket
		{errors.New("line 3: unexpected"), StateError},
		{fmt.Errorf("ask: %w", errors.Join(errors.New("first"), fs.ErrPermission)), StateUnknown},
	} {
		m := Meta{State: StateKnown}
		m.Fail("read settings", tt.err)
		if m.State != tt.want || m.Reason != "read settings: "+tt.err.Error() {
			t.Errorf("%v: got %s, %q, want %s", tt.err, m.State, m.Reason, tt.want)
		}
	}
}

func TestDepend(t *testing.T) {
	var m Meta
	m.Depend()
	if m.Depends != nil {
		t.Errorf("got %q", m.Depends)
	}
	m.Depend("/etc/b", "/etc/a/", "/etc/b")
	m.Depend("/etc/a", "/etc/a/")
	if want := []string{"/etc/b", "/etc/a/", "/etc/a"}; !slices.Equal(m.Depends, want) {
		t.Errorf("got %q, want %q", m.Depends, want)
	}
}

func TestLive(t *testing.T) {
	if !(Env{}).Live() {
		t.Error("the zero root is the running system")
	}
	root, err := hostfs.Open(t.TempDir())
	if err != nil || (Env{Root: root}).Live() {
		t.Errorf("an image is not: %v", err)
	}
}

// TestNames: checks and programs go by these names.
func TestNames(t *testing.T) {
	b, err := json.Marshal(struct {
		Meta Meta `json:"meta"`
		Text Text `json:"text"`
		Tri  Tri  `json:"tri"`
	}{Meta: Meta{State: StateKnown}, Text: Text{Value: "v"}})
	want := `{"meta":{"state":"known","depends":null,"took":0},"text":{"value":"v","set":false},"tri":{"known":false,"yes":false}}`
	if err != nil || string(b) != want {
		t.Errorf("got  %s, %v\nwant %s", b, err, want)
	}
	for _, s := range []State{StateKnown, StateAbsent, StateUnknown, StateError} {
		if strings.ToLower(string(s)) != string(s) || s == "" {
			t.Errorf("%q", s)
		}
	}
}
