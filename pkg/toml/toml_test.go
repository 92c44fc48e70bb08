package toml

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lock is a file of dnf 5, as its manual page has it.
const lock = `version = "1.0"

# keep package bash on version 0:5.2.15-5.fc39
[[packages]]
name = "bash"
comment = "description"
[[packages.conditions]]
key = "evr" # epoch evr arch
comparator = "="
value = "0:5.2.15-5.fc39"

[[packages]]
name = 'acpi'
conditions = [ {key="evr",comparator="<", value="4"},
  # another
  { key = "evr", comparator = ">=", value = "3" }, ]

[modules."node.js"]
enabled_stream = "a\"\u00e9"
installed_profiles = []
n.m = 1
`

func table(line int, values map[string]any) *Table { return &Table{line, values} }

func TestParse(t *testing.T) {
	for _, end := range []string{"\n", "\r\n"} {
		got, err := Parse(strings.ReplaceAll(lock, "\n", end))
		if err != nil {
			t.Fatal(err)
		}
		condition := func(line int, comparator, value string) *Table {
			return table(line, map[string]any{"key": "evr", "comparator": comparator, "value": value})
		}
		want := table(1, map[string]any{
			"version": "1.0",
			"packages": []any{
				table(4, map[string]any{"name": "bash", "comment": "description", "conditions": []any{condition(7, "=", "0:5.2.15-5.fc39")}}),
				table(12, map[string]any{"name": "acpi", "conditions": []any{condition(14, "<", "4"), condition(16, ">=", "3")}}),
			},
			"modules": table(18, map[string]any{
				"node.js": table(18, map[string]any{"enabled_stream": "a\"é", "installed_profiles": []any{}, "n": table(21, map[string]any{"m": Bare("1")})}),
			}),
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if len(got.Tables("packages")) != 2 || got.Text("version") != "1.0" || got.Text("packages") != "" || got.Tables("version") != nil {
			t.Errorf("got %+v", got)
		}
	}
}

func refused() []string {
	return []string{
		"a", "a =", "a = \n", "= 1", "a = 1 b = 2", "[a", "[[a]", "[a] b", "[]", "a = \"x", "a = 'x\n'", `a = """x"""`, `a = "\q"`,
		"a = [1", "a = [1 2]", "a = {b = 1", "a = {b = 1\n}", "a = 1\na = 2", "a = 1\n[a]", "a = 1\n[[a]]", "a = 1\na.b = 2", "[a]\nb = []\n[a.b]",
		"a = " + strings.Repeat("[", 100), strings.Repeat("a.", 100) + "b = 1", strings.Repeat(" ", MaxSize+1), "\x00", "a = \"x\\",
	}
}

func TestRefused(t *testing.T) {
	for _, text := range refused() {
		if got, err := Parse(text); !errors.Is(err, ErrSyntax) {
			t.Errorf("%.40q: got %+v, %v", text, got, err)
		}
	}
	if _, err := Parse("a = 1\n\n[b"); err == nil || !strings.HasPrefix(err.Error(), "line 3: ") {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(lock)
	for _, text := range refused() {
		f.Add(text[:min(len(text), 200)])
	}
	f.Fuzz(func(t *testing.T, text string) {
		if root, err := Parse(text); (root == nil) == (err == nil) {
			t.Errorf("%v, %v", root, err)
		}
	})
}

// TestSeeds: the fuzz target begins with a real file and with what is refused.
func TestSeeds(t *testing.T) {
	if len(refused()) < 20 {
		t.Error("few seeds")
	}
}
