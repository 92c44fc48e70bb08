package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const changelog = "# Changelog\n\nAll of it.\n\n" +
	"## Unreleased\n\n### Added\n\n- `seawall watch` shows what\n  happens\n- more\n\nAn aside.\n\n### Fixed\n\n- less\n\n" +
	"## 1.1.0 - 2026-03-04\n\n- the middle\n\n## 1.0.0 - 2026-01-02\n\n- the first\n"

var packed = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func TestEntries(t *testing.T) {
	list, err := entries(changelog, "1.2.0-1", packed)
	if err != nil {
		t.Fatal(err)
	}
	want := []entry{
		{"1.2.0-1", packed, []string{"[ Added ]", "seawall watch shows what happens", "more", "[ Fixed ]", "less"}},
		{"1.1.0-1", time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC), []string{"the middle"}},
		{"1.0.0-1", time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), []string{"the first"}},
	}
	if d := cmp.Diff(want, list, cmp.AllowUnexported(entry{})); d != "" {
		t.Error(d)
	}
	// A released version packs what stands under its own heading.
	list, err = entries("## Unreleased\n\n## 1.1.0 - 2026-03-04\n\n- it\n", "1.1.0-1", packed)
	if err != nil || len(list) != 1 || list[0].version != "1.1.0-1" {
		t.Errorf("a released version: %v, %v", list, err)
	}
	for _, text := range []string{"", "# Changelog\n", "## 1.0.0\n- no day\n", "## 1.0.0 - tomorrow\n"} {
		if list, err := entries(text, "1.0.0-1", packed); err == nil {
			t.Errorf("%q is read as %v", text, list)
		}
	}
}

// TestDebChangelog lets Debian's own parser read it; it names every line that it does not know.
func TestDebChangelog(t *testing.T) {
	long := "## Unreleased\n\n- " + strings.Repeat("word and ", 40) + "end\n"
	list, err := entries(long+strings.TrimPrefix(changelog, "# Changelog"), "1.2.0-1", packed)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "changelog")
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := debChangelog(out, list, "seawall", "A B <a@example.org>"); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	got := shell(t, ".", "dpkg-parsechangelog --all -l "+file+" 2>&1")
	for _, want := range []string{"Source: seawall\n", "Version: 1.2.0-1\n", "Maintainer: A B <a@example.org>\n", "Date: Sun, 22 Nov 2026 10:00:00 +0000\n", " seawall (1.0.0-1) unstable"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if len(line) > 80 {
			t.Errorf("a line of %d: %s", len(line), line)
		}
	}
	if strings.Contains(got, "warning") {
		t.Error(got)
	}
}

func TestRPMChangelog(t *testing.T) {
	list, err := entries(changelog, "1.2.0-1", packed)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := rpmChangelog(&b, list[:1], "A B <a@example.org>"); err != nil {
		t.Fatal(err)
	}
	want := `- semver: 1.2.0-1
  date: 2026-11-22T10:00:00Z
  packager: A B <a@example.org>
  changes:
    - note: seawall watch shows what happens
    - note: more
    - note: less
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}

// FuzzEntries holds that a change is one line, whatever the text.
func FuzzEntries(f *testing.F) {
	f.Add(changelog)
	f.Add("## Unreleased\n- \n  \r\n")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := entries(text, "1.0.0-1", packed)
		if err != nil {
			return
		}
		for _, e := range list {
			for _, change := range e.changes {
				if strings.Contains(change, "\n") {
					t.Errorf("%q", change)
				}
			}
		}
	})
}
