package rulefile

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/sigma"
	"seawall/pkg/sigma/pattern"
)

var update = flag.Bool("update", false, "write the golden files")

// TestGolden reads the files of testdata and shows what they mean.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yml")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		rules, err := Parse(filepath.Base(file), text)
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for i := range rules {
			show(&got, &rules[i])
		}
		golden := strings.TrimSuffix(file, ".yml") + ".golden"
		if *update {
			if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s (-update writes it):\n%s", file, diff)
		}
	}
}

// show writes a rule for people.
func show(w *strings.Builder, r *sigma.Rule) {
	fmt.Fprintf(w, "%s:%d: %s (%s) %s %v\n", r.File, r.Line, r.Title, r.Logsource, r.Level, r.Techniques())
	if c := r.Correlation; c != nil {
		fmt.Fprintf(w, "  %s of %q on lines %d by %q within %v", c.Type, c.Rules, c.Lines, c.GroupBy, c.Timespan)
		for _, b := range c.Bounds {
			fmt.Fprintf(w, " %s %d", b.Sign, b.Count)
		}
		fmt.Fprintf(w, " aliases %v\n\n", c.Aliases)
		return
	}
	for _, s := range r.Selections {
		fmt.Fprintf(w, "  %s (line %d) is %s\n", s.Name, s.Line, written(r, &s.Expr))
	}
	fmt.Fprintf(w, "  if %s\n\n", written(r, &r.Condition))
}

func written(r *sigma.Rule, e *sigma.Expr) string {
	var args []string
	for i := range e.Args {
		args = append(args, written(r, &e.Args[i]))
	}
	field := e.Field
	if field == "" {
		field = "anything"
	}
	if e.Cased {
		field += " as it is"
	}
	switch e.Op {
	case sigma.And:
		return "(" + strings.Join(args, " and ") + ")"
	case sigma.Or:
		return "(" + strings.Join(args, " or ") + ")"
	case sigma.Not:
		return "not " + args[0]
	case sigma.Selected:
		return r.Selections[e.Selection].Name
	case sigma.Like:
		return field + " like " + text(e.Pattern)
	case sigma.Regexp:
		return field + " matches /" + e.Regexp + "/"
	case sigma.Within:
		return field + " in " + e.Network.String()
	case sigma.Compare:
		return field + " " + e.Sign + " " + e.Number
	case sigma.Exists:
		return field + " exists"
	case sigma.Absent:
		return field + " is missing"
	}
	return fmt.Sprintf("%s is that of %s (%v, %v)", field, e.Other, e.Head, e.Tail)
}

// text writes a pattern with its wildcards in brackets.
func text(list []pattern.Piece) string {
	var s strings.Builder
	for _, p := range list {
		if p.Wild != 0 {
			fmt.Fprintf(&s, "[%c]", p.Wild)
		}
		s.WriteString(p.Text)
	}
	return fmt.Sprintf("%q", s.String())
}
