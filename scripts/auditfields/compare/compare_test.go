package compare

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// captured writes the first lines of package audit's capture as a log and returns its
// name.
func captured(t *testing.T, lines int) string {
	t.Helper()
	f, err := os.Open("../../../pkg/audit/testdata/capture.log.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Join(slices.Collect(bytes.Lines(text))[:lines], nil)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "capture"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	if err := Capture(&log, filepath.Join(dir, "capture")); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "audit.log")
	if err := os.WriteFile(name, log.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestCapture holds that of the capture every field is read as ausearch and go-libaudit
// read it, but for what has a reason.
func TestCapture(t *testing.T) {
	c := New()
	if err := c.Log(t.Context(), captured(t, 11_626)); err != nil {
		t.Fatal(err)
	}
	var report bytes.Buffer
	if c.Report(&report) != 0 || c.search.events != 2814 || c.search.records != 8829 || c.search.equal < 93_000 || c.library.equal < 81_000 {
		t.Error(report.String())
	}
}

// A file may be called by a quote alone, which go-libaudit cuts off.
func TestQuote(t *testing.T) {
	name := captured(t, 1000)
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text = regexp.MustCompile(`(type=PATH [^\n]* name=")/[^"]*"`).ReplaceAll(text, []byte(`${1}'"`))
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	c := New()
	if err := c.Log(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	var report bytes.Buffer
	if c.Report(&report) != 0 || !strings.Contains(report.String(), "PATH name: as written") {
		t.Error(report.String())
	}
}

// TestDifferencesAreSeen changes what we read and holds that each change is a difference
// for which there is no reason.
func TestDifferencesAreSeen(t *testing.T) {
	name := captured(t, 1000)
	for what, change := range map[string]func(e *event){
		"a time":       func(e *event) { e.time = e.time.Add(1e6) },
		"a number":     func(e *event) { field1(e, "pid").text += "1" },
		"a text":       func(e *event) { field1(e, "comm").text = "x" },
		"a user":       func(e *event) { field1(e, "uid").text = "1" },
		"an argument":  func(e *event) { field1(e, "a1").text = "1" },
		"a call":       func(e *event) { field1(e, "syscall").text = "1" },
		"a record":     func(e *event) { e.records = e.records[:len(e.records)-1] },
		"a field less": func(e *event) { e.records[0].fields = e.records[0].fields[1:] },
	} {
		events, err := read(name)
		if err != nil {
			t.Fatal(err)
		}
		c := New()
		for _, e := range events {
			if f := field1(e, "syscall"); f != nil && f.text == "257" && len(e.records) == 4 {
				change(e)
				break
			}
		}
		if err := searched(t.Context(), c.search, name, events); err != nil {
			t.Fatal(err)
		}
		if c.Report(io.Discard) == 0 {
			t.Errorf("%s was changed, and no difference is seen", what)
		}
	}
}

// field1 is the field of an event's first record, or nil.
func field1(e *event, key string) *field {
	for i := range e.records[0].fields {
		if f := &e.records[0].fields[i]; f.key == key {
			return f
		}
	}
	return nil
}
