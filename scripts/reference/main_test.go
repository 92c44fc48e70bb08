package main

import (
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/checks and the counts of docs/coverage.md")

const docs = "../../docs"

// TestReference: the pages are those of the checks as they are.
func TestReference(t *testing.T) {
	dir := filepath.Join(docs, "checks")
	if *update {
		if err := run(dir); err != nil {
			t.Fatal(err)
		}
	}
	want, err := pages()
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil || len(names) != len(want) {
		t.Errorf("%d pages, want %d, %v", len(names), len(want), err)
	}
	for name, page := range want {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(got) != string(page) {
			t.Errorf("%s is not what the checks say (make reference): %v", name, err)
		}
	}
}

func TestRun(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "gone.md"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "gone.md")); err == nil {
		t.Error("the page of a family that is gone is still there")
	}
	page, err := os.ReadFile(filepath.Join(dir, "ssh.md"))
	if err != nil || !strings.Contains(string(page), "## ssh-permit-root-login\n") || !strings.Contains(string(page), "Fix on Debian and Ubuntu:\n\n    # First") {
		t.Errorf("%v\n%.500s", err, page)
	}
}

func TestText(t *testing.T) {
	for got, want := range map[string]string{
		plain("a*b <c> [d] `e`"): "a\\*b &lt;c> \\[d] \\`e\\`",
		cell("a|b"):              `a\|b`,
		code("a ` b"):            "`` a ` b ``",
		indent("a\n\n  b\n"):     "    a\n\n      b",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

var seawallCell = regexp.MustCompile(`\| (\d+)((?: ` + "`[a-z0-9*-]+`" + `)+) \|$`)

// TestCoverage: each theme of the table has checks, as many as it says.
func TestCoverage(t *testing.T) {
	c, err := load()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(docs, "coverage.md")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	rows := 0
	for i, line := range lines {
		m := seawallCell.FindStringSubmatch(line)
		if m == nil {
			if strings.HasPrefix(line, "| ") && i > 0 && strings.HasPrefix(lines[max(0, i-2)], "| ") && !strings.Contains(line, "backups") {
				t.Errorf("line %d has no checks: %s", i+1, line)
			}
			continue
		}
		rows++
		n := c.matching(t, strings.Fields(strings.ReplaceAll(m[2], "`", "")))
		if *update {
			lines[i] = strings.TrimSuffix(line, m[0]) + fmt.Sprintf("| %d%s |", n, m[2])
		} else if fmt.Sprint(n) != m[1] {
			t.Errorf("line %d says %s, there are %d: %s", i+1, m[1], n, line)
		}
	}
	if rows < 30 {
		t.Errorf("%d themes", rows)
	}
	if *update {
		if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// matching counts the checks that patterns stand for; each must stand for one.
func (c *catalogue) matching(t *testing.T, patterns []string) int {
	var ids []string
	for _, p := range patterns {
		before := len(ids)
		for _, check := range c.checks {
			if ok, _ := path.Match(p, check.ID); ok {
				ids = append(ids, check.ID)
			}
		}
		if len(ids) == before {
			t.Errorf("no check is called %s", p)
		}
	}
	slices.Sort(ids)
	return len(slices.Compact(ids))
}
