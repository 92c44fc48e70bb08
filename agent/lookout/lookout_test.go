package lookout

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"seawall/pkg/hostfs"
)

// TestAsked: the connection says at which socket it was made.
func TestAsked(t *testing.T) {
	name := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	other, err := net.Dial("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	file, err := conn.(*net.UnixConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if got := asked(file); got != name {
		t.Errorf("got %q, want %q", got, name)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, w := range []io.Writer{null, new(bytes.Buffer)} {
		if got := asked(w); got != "" {
			t.Errorf("%T: got %q", w, got)
		}
	}
}

// TestLook: each writes what its readers take, and a wrong word about places is told.
func TestLook(t *testing.T) {
	for _, want := range []string{"scanned", "interfaces"} {
		var out bytes.Buffer
		cmd := Restarts(&out)
		if want == "interfaces" {
			cmd = Network(&out, nil)
		}
		cmd.SetArgs([]string{"--scan"})
		if err := cmd.ExecuteContext(t.Context()); err != nil {
			t.Fatalf("%s: %v", cmd.Name(), err)
		}
		got := map[string]any{}
		if err := json.Unmarshal(out.Bytes(), &got); err != nil || got[want] == nil {
			t.Errorf("%s: %.200s, %v", cmd.Name(), out.Bytes(), err)
		}
	}
	t.Setenv(hostfs.PlacesVariable, "modules")
	cmd := Network(new(bytes.Buffer), nil)
	cmd.SetArgs([]string{"--scan"})
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), hostfs.PlacesVariable) {
		t.Errorf("got %v", err)
	}
}
