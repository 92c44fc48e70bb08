package replay

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"seawall/agent/console"
	"seawall/agent/look"
	"seawall/pkg/finding"
)

// TestUntil: bytes come as they are, and whoever waits for more is told to end.
func TestUntil(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	ctx, end := context.WithCancel(t.Context())
	if _, err := w.WriteString("some"); err != nil {
		t.Fatal(err)
	}
	in := &until{r, ctx.Done()}
	b := make([]byte, 9)
	if n, err := in.Read(b); err != nil || string(b[:n]) != "some" {
		t.Fatalf("%q, %v", b[:n], err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := in.Read(b)
		ended <- err
	}()
	end()
	if err := <-ended; !errors.Is(err, errEnded) {
		t.Error(err)
	}
	w.Close()
	if _, err := (&until{r, nil}).Read(b); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

// TestReplayEnds: a log that never ends is ended with what was asked for.
func TestReplayEnds(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	end()
	var out bytes.Buffer
	err := program{&console.Console{Stdout: &out, Stderr: &out}}.replay(ctx, []string{"/dev/zero", "/dev/zero"}, "table", "/nonexistent", "/nonexistent")
	if !errors.Is(err, errEnded) || strings.Count(err.Error(), errEnded.Error()) != 1 || !strings.HasPrefix(out.String(), "detections: 0, ") {
		t.Errorf("%v: %s", err, &out)
	}
}

// TestTable: severities make columns, and lines fit the terminal.
func TestTable(t *testing.T) {
	var out bytes.Buffer
	for _, s := range []finding.Severity{finding.SeverityLow, finding.SeverityCritical} {
		table(&out, &finding.Detection{Title: "TITLE", Severity: s, Count: 2, Rule: "r", Samples: []finding.Sample{{Command: strings.Repeat("word ", 40)}}}, look.Options{Width: 60})
	}
	columns := map[int]bool{}
	for line := range strings.Lines(out.String()) {
		if at := strings.Index(line, "TITLE"); at >= 0 {
			columns[at] = true
		} else if n := utf8.RuneCountInString(line); n > 61 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if len(columns) != 1 || !strings.Contains(out.String(), "(2 times until ") {
		t.Errorf("%v\n%s", columns, &out)
	}
}
