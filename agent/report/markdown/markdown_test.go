package markdown

import (
	"strings"
	"testing"

	"seawall/agent/report/sheettest"
)

func TestGolden(t *testing.T) {
	sheettest.Golden(t, "sheet.md", []byte(sheettest.Written(t, Write, sheettest.Sheet())))
	sheettest.Golden(t, "changes.md", []byte(sheettest.Written(t, Write, sheettest.Compared())))
}

// TestHostile: what a host says stands in code alone: cut all code spans and blocks
// out, and nothing of it is left.
func TestHostile(t *testing.T) {
	text := sheettest.Written(t, Write, sheettest.Hostile())
	if i := strings.IndexAny(text, sheettest.Steers); i >= 0 {
		t.Errorf("lets %q through", text[max(0, i-20):i+4])
	}
	for line := range strings.Lines(text) {
		rest := plain(line)
		for _, bad := range []string{"<script", "javascript", "@ann", "FAIL", "onerror"} {
			if strings.Contains(rest, bad) {
				t.Errorf("%s is outside of code: %s", bad, rest)
			}
		}
	}
}

// plain is a line without its code spans, as CommonMark finds them: a run of
// backticks ends at the next run of the same length.
func plain(line string) string {
	var out strings.Builder
	for {
		i := strings.IndexByte(line, '`')
		if i < 0 {
			return out.String() + line
		}
		out.WriteString(line[:i])
		n := len(line[i:]) - len(strings.TrimLeft(line[i:], "`"))
		run, rest := line[i:i+n], line[i+n:]
		end := -1
		for at := 0; at < len(rest); {
			if rest[at] != '`' {
				at++
				continue
			}
			m := len(rest[at:]) - len(strings.TrimLeft(rest[at:], "`"))
			if m == n {
				end = at
				break
			}
			at += m
		}
		if end < 0 {
			out.WriteString(run)
			line = rest
			continue
		}
		line = rest[end+n:]
	}
}

func TestCode(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "a": "`a`", "a`b": "``a`b``", "`": "`` ` ``", "a``": "``` a`` ```", "a\n b": "`a b`", "<b>": "`<b>`", "a\x1b": "`a\\x1b`",
	} {
		if got := code(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
	if got := cell("a|b"); got != "`a\\|b`" {
		t.Errorf("in a table: %s", got)
	}
	if got := prose("*a* <b> [c](d)"); got != "\\*a\\* \\<b\\> \\[c\\](d)" {
		t.Errorf("prose: %s", got)
	}
}

func FuzzCode(f *testing.F) {
	f.Add("a`b``c")
	f.Add(sheettest.Evil)
	f.Fuzz(func(t *testing.T, s string) {
		if rest := plain(code(s)); rest != "" {
			t.Errorf("%q: %q is outside of code", s, rest)
		}
	})
}
