// Package answertest is for the tests of those who find verdicts: it writes them down,
// and reads those of the real servers.
package answertest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"seawall/agent/facts/servers/answer"
	"seawall/pkg/hostfs"
	"seawall/pkg/hostfs/image"
)

// Show writes verdicts, each in one line: "named: open: recursion yes @/etc/x:1".
func Show(all ...answer.Answer) string {
	var lines []string
	for _, a := range all {
		verdict := "unknown"
		if a.Known {
			verdict = map[bool]string{true: "open", false: "closed"}[a.Allowed]
		}
		line := fmt.Sprintf("%s: %s: %s", a.Name, verdict, a.Reason)
		for _, p := range a.Places {
			line += fmt.Sprintf(" @%s:%d", p.File, p.Line)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// Verdict is what a real server did with a configuration, a file or a folder of them.
type Verdict struct{ Name, Says string }

// Asked returns a host with the configurations in an archive, and what the real server
// did with each: the archive's file verdicts has a line "name says" for each of at least
// twenty.
func Asked(t testing.TB, file string) (hostfs.Root, []Verdict) {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range archive.Files {
		files["/"+f.Name] = string(f.Data)
	}
	var all []Verdict
	known := map[string]bool{"verdicts": true}
	for line := range strings.Lines(files["/verdicts"]) {
		name, says, _ := strings.Cut(strings.TrimSpace(line), " ")
		all, known[name] = append(all, Verdict{"/" + name, says}), true
	}
	if len(all) < 20 {
		t.Fatalf("%s has %d verdicts", file, len(all))
	}
	for name := range files {
		if top, _, _ := strings.Cut(name[1:], "/"); !known[name[1:]] && !known[top] {
			t.Errorf("%s: there is no verdict on %s", file, name)
		}
	}
	return image.Of(t, files), all
}
