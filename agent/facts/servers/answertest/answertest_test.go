package answertest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"seawall/agent/facts/servers/answer"
	"seawall/pkg/finding"
)

func TestShow(t *testing.T) {
	all := []answer.Answer{{Name: "a", Reason: "no file"}, {Name: "b", Known: true, Reason: "by default"}, {Name: "c", Known: true, Allowed: true, Reason: "x on"}}
	all[2].Places = append(all[2].Places, finding.Evidence{File: "/n", Line: 2}, finding.Evidence{File: "/m", Line: 1})
	if got, want := Show(all...), "a: unknown: no file\nb: closed: by default\nc: open: x on @/n:2 @/m:1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestAsked: names are paths of the host.
func TestAsked(t *testing.T) {
	var b strings.Builder
	b.WriteString("-- verdicts --\n")
	for i := range 20 {
		fmt.Fprintf(&b, "c%d open\n", i)
	}
	b.WriteString("d closed\n-- c0 --\nx\n-- d/main.cf --\ny\n")
	file := filepath.Join(t.TempDir(), "a.txtar")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	root, all := Asked(t, file)
	if text, err := root.ReadFile(all[20].Name+"/main.cf", 0); err != nil || string(text) != "y\n" || all[20].Says != "closed" || len(all) != 21 {
		t.Errorf("got %q, %v of %v", text, err, all)
	}
}
