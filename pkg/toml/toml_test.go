package toml

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"runtime"
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

// document makes a random document of few keys, so that they meet.
func document(rng *rand.Rand) string {
	pick := func(all ...string) string { return all[rng.IntN(len(all))] }
	key := func() string { return pick("a", "b", "c", `"d e"`, "'f'", "a.b", "a . c", "b.a.c", "1-_") }
	var value func(depth int) string
	value = func(depth int) string {
		all := []string{`"x"`, `'y\'`, `""`, `"\t\"\\\u00e9"`, `"#"`, "1", "true", "-1.5", "1979-05-27T07:32:00Z", "''", `"é"`}
		if depth < 3 {
			all = append(all, "[]", "["+value(depth+1)+", "+value(depth+1)+"]", "[\n"+value(depth+1)+", # c\n]", "{}", "{ "+key()+" = "+value(depth+1)+" }")
		}
		return pick(all...)
	}
	var out strings.Builder
	for range 1 + rng.IntN(6) {
		switch rng.IntN(5) {
		case 0:
			out.WriteString("[" + key() + "]" + pick("", " # c", "  ") + "\n")
		case 1:
			out.WriteString("[[" + key() + "]]\n")
		case 2:
			out.WriteString(pick("# c\n", "\n", " \t\n"))
		default:
			out.WriteString(key() + pick(" = ", "=", "\t=  ") + value(0) + pick("", " # c") + pick("\n", "\r\n"))
		}
	}
	return out.String()
}

// plain is a value as JSON has it, without bare values.
func plain(v any) any {
	switch v := v.(type) {
	case *Table:
		out := map[string]any{}
		for key, value := range v.Values {
			out[key] = plain(value)
		}
		return out
	case []any:
		out := []any{}
		for _, value := range v {
			out = append(out, plain(value))
		}
		return out
	case Bare:
		return nil
	}
	return v
}

// TestAgainstPython: what Python's tomllib reads is read alike. It refuses more, such as
// a table that is there twice.
func TestAgainstPython(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	texts := []string{lock}
	for range 3000 {
		texts = append(texts, document(rng))
	}
	in, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("python3", "-c", `import json, sys, tomllib
def plain(v):
    if isinstance(v, dict): return {k: plain(x) for k, x in v.items()}
    if isinstance(v, list): return [plain(x) for x in v]
    return v if isinstance(v, str) else None
def read(text):
    try: return plain(tomllib.loads(text))
    except tomllib.TOMLDecodeError: return None
print(json.dumps([read(text) for text in json.load(sys.stdin)]))`)
	cmd.Stdin = strings.NewReader(string(in))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var answers []map[string]any
	if err := json.Unmarshal(out, &answers); err != nil || len(answers) != len(texts) {
		t.Fatal(len(answers), err)
	}
	compared := 0
	for i, want := range answers {
		if want == nil {
			continue
		}
		compared++
		got, err := Parse(texts[i])
		if err != nil {
			t.Errorf("%q: %v", texts[i], err)
		} else if diff := cmp.Diff(any(want), plain(got)); diff != "" {
			t.Errorf("%q: -want +got:\n%s", texts[i], diff)
		}
		if t.Failed() {
			return
		}
	}
	if compared < 500 {
		t.Errorf("compared %d documents of %d", compared, len(texts))
	}
}

// TestTables: a document of 1 MB that is all tables is refused before it takes many
// times its size.
func TestTables(t *testing.T) {
	keys := func(i int) string { return fmt.Sprintf("k%d", i) + strings.Repeat(".a", maxDepth-1) + "=1\n" }
	for name, line := range map[string]func(i int) string{
		"dotted keys": keys,
		"tables":      func(i int) string { return fmt.Sprintf("[k%d]\n", i) },
		"arrays":      func(int) string { return "[[k]]\n" },
		"inline":      func(i int) string { return fmt.Sprintf("k%d=[{},{},{},{},{},{},{},{}]\n", i) },
	} {
		var text strings.Builder
		for i := 0; text.Len() < MaxSize-100; i++ {
			text.WriteString(line(i))
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got, err := Parse(text.String())
		runtime.ReadMemStats(&after)
		if used := (after.TotalAlloc - before.TotalAlloc) >> 20; got != nil || !errors.Is(err, ErrSyntax) || used > 16 {
			t.Errorf("%s: %v with %d MiB", name, err, used)
		}
	}
	// A host where every package is locked has some thousand.
	if got, err := Parse("version = \"1.0\"\n" + strings.Repeat("[[packages]]\nname = \"a\"\n[[packages.conditions]]\nkey = \"evr\"\n", 5000)); err != nil || len(got.Tables("packages")) != 5000 {
		t.Errorf("5000 locks: %v", err)
	}
}

// TestText: strings, bare values and keys, each as TOML 1.0 has them.
func TestText(t *testing.T) {
	for text, want := range map[string]any{
		`a = "x"`: "x", `a = 'x\n'`: `x\n`, `a = ""`: "", `a = ''`: "", `a="é"`: "é", `a = "\t\\\"\u00e9\U0001F600"`: "\t\\\"é😀",
		`a = "# no comment" # one`: "# no comment", `a = 'it "is"'`: `it "is"`, `a = "it's"`: "it's", `"a" = "x"`: "x", `'a' = "x"`: "x",
		"a = 1": Bare("1"), "a = true#c": Bare("true"), "a = 1979-05-27T07:32:00Z": Bare("1979-05-27T07:32:00Z"), "a = -1.5e3\t": Bare("-1.5e3"),
		"a = []": []any{}, "a = [1,'b',]": []any{Bare("1"), "b"}, "a = [[1],[2]]": []any{[]any{Bare("1")}, []any{Bare("2")}},
		"a = [ # c\n 1 # d\n , 2\n]": []any{Bare("1"), Bare("2")}, "\n\n# c\na = 1": Bare("1"), "b = 2\na = 1\n": Bare("1"),
	} {
		got, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, got.Values["a"]); diff != "" {
			t.Errorf("%s: -want +got:\n%s", text, diff)
		}
	}
}

// TestLines: tables know where they begin, behind whatever stands above them.
func TestLines(t *testing.T) {
	got, err := Parse("# c\n\na = [\n1,\n2]\n\n[b] # c\nx = 1\n[[c]]\n[[c]]\n[c.d]\n[b.\"e f\"]\n")
	if err != nil {
		t.Fatal(err)
	}
	b, c := got.Values["b"].(*Table), got.Tables("c")
	if len(c) != 2 || b.Line != 7 || c[0].Line != 9 || c[1].Line != 10 || c[1].Values["d"].(*Table).Line != 11 || b.Values["e f"].(*Table).Line != 12 {
		t.Errorf("got %+v, %+v", b, c)
	}
	if len(c[0].Values) != 0 {
		t.Errorf("the first of the array got what belongs to the second: %+v", c[0])
	}
	for text, want := range map[string]string{
		"a = 1\n[b\n": "line 2: ", "\n\n = 1": "line 3: ", "a = [\n1\n2]": "line 3: ", "a=1\nb=2\na=3\n": "line 3: ",
	} {
		if _, err := Parse(text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
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
