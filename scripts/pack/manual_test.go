package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// plain formats a page as man does, and fails for every warning of groff's.
func plain(t *testing.T, page string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page")
	if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	if warnings := shell(t, ".", "groff -man -Tutf8 -ww -P-cbou "+file+" 2>&1 >/dev/null"); warnings != "" {
		t.Errorf("groff: %s", warnings)
	}
	return shell(t, ".", "groff -man -Tutf8 -P-cbou "+file)
}

// contains looks for lines, or for words wherever lines end.
func contains(t *testing.T, text string, wants ...string) {
	t.Helper()
	line := strings.Join(strings.Fields(text), " ")
	for _, want := range wants {
		if !strings.Contains(text, want) && !strings.Contains(line, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}

func TestSettings(t *testing.T) {
	var b strings.Builder
	config := "# What the file is.\n\n# Where it listens.\n# 'localhost' by default.\n#listen: 127.0.0.1:1\n\n# How much.\nlimit: 3\n"
	if err := settings(&b, "x.yaml", "settings of x", "/etc/x/x.yaml", ".SH DESCRIPTION\nProse.\n", config); err != nil {
		t.Fatal(err)
	}
	page := plain(t, b.String())
	contains(t, page, "x.yaml - settings of x", "/etc/x/x.yaml", "Prose.",
		"listen: 127.0.0.1:1 Where it listens. 'localhost' by default.", "limit: 3 How much.")
	if strings.Contains(page, "What the file is") {
		t.Errorf("a comment of no setting:\n%s", page)
	}
}

// TestConfigs has every file that packages bring give a page with all of its settings.
func TestConfigs(t *testing.T) {
	for _, name := range []string{"sensor", "uplink", "collector"} {
		config, err := os.ReadFile("../../packaging/config/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		prose, err := os.ReadFile("../../packaging/man/seawall-" + name + ".yaml.man")
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := settings(&b, name+".yaml", "settings", name, string(prose), string(config)); err != nil {
			t.Fatal(err)
		}
		page := plain(t, b.String())
		for line := range strings.Lines(string(config)) {
			if m := setting.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
				contains(t, page, m[1])
			}
		}
		if strings.Count(b.String(), ".TP\n") < 6 {
			t.Errorf("%s: few settings:\n%s", name, page)
		}
	}
}

func TestMarkdown(t *testing.T) {
	text := "# A title\n\nFirst, with `a-b`, *so*, **so**\nand […]() [a link](https://example.org).\n.no request\n\n" +
		"| key | what |\n|---|---|\n| `one` | the first |\n\n## Part two\n\n- a point\n- another\n  that goes on\n\n```\n'quoted'\n\n.end -- \\n\n```\n\n### Below\n\nLast.\n"
	var b strings.Builder
	if err := markdown(&b, "x", "what x is", text); err != nil {
		t.Fatal(err)
	}
	page := plain(t, b.String())
	contains(t, page, "x - what x is", "First, with a-b, so, so and … () a link (https://example.org).", ".no re",
		"one    the first", "PART TWO", "• a point", "• another that goes on", "'quoted'\n\n", ".end -- \\n", "Below\n", "Last.")
	if strings.Contains(page, "A title") || strings.Contains(page, "key") {
		t.Errorf("the title and the table's headings are said twice:\n%s", page)
	}
}

// TestChecksPage makes the page that is shipped.
func TestChecksPage(t *testing.T) {
	text, err := os.ReadFile("../../docs/checks.md")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := markdown(&b, "seawall-checks", "checks of your own", string(text)); err != nil {
		t.Fatal(err)
	}
	contains(t, plain(t, b.String()), "WAIVERS", "/etc/seawall/checks.d")
}

// FuzzMarkdown holds that no text makes a request that is not ours.
func FuzzMarkdown(f *testing.F) {
	f.Add("## A\n\n- b\n\n```\n.so /etc/passwd\n```\n| x | y |\n")
	f.Add("`\\*(.` *\n'x'\n.\n")
	ours := map[string]bool{".TH": true, ".SH": true, ".SS": true, ".PP": true, ".RS": true, ".RE": true, ".nf": true, ".fi": true, ".IP": true, ".TP": true, ".nh": true, ".ad": true}
	f.Fuzz(func(t *testing.T, text string) {
		var b strings.Builder
		if err := markdown(&b, "x", "y", text); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			word, _, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
			if (strings.HasPrefix(word, ".") && !ours[word]) || strings.HasPrefix(word, "'") {
				t.Errorf("%q makes the request %q", text, line)
			}
		}
	})
}
