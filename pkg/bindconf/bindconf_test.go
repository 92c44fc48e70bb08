package bindconf

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/sys/unix"

	"seawall/pkg/hostfs"
	"seawall/pkg/hostfs/image"
)

// flatten shows statements one a line, each with what it stands in, sorted: named
// prints them in an order of its own.
func flatten(in []Statement) []string {
	var all []string
	var walk func([]Statement, string)
	walk = func(in []Statement, within string) {
		for _, s := range in {
			words := slices.Clone(s.Words)
			for i := range words {
				words[i] = strings.TrimSuffix(strings.TrimSuffix(words[i], "/32"), "/128")
			}
			name := within + "/" + strings.Join(words, " ")
			all = append(all, name)
			for i, b := range s.Blocks {
				walk(b, fmt.Sprintf("%s{%d}", name, i))
			}
		}
	}
	walk(in, "")
	slices.Sort(all)
	return all
}

// archive is a host with the files of an archive in /etc/bind.
func archive(t *testing.T, name string) hostfs.Root {
	t.Helper()
	a, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range a.Files {
		files["/etc/bind/"+f.Name] = string(f.Data)
	}
	return image.Of(t, files)
}

// TestAsNamed: what is read is what named-checkconf prints, and what it prints reads
// as itself.
func TestAsNamed(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) < 2 {
		t.Fatalf("%q, %v", names, err)
	}
	for _, name := range names {
		root := archive(t, name)
		conf, err := Load(root, "/etc/bind/named.conf")
		if err != nil {
			t.Fatal(err)
		}
		dump, err := Load(root, "/etc/bind/dump")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(flatten(dump.Statements), flatten(conf.Statements)); diff != "" {
			t.Errorf("%s (- named, + read):\n%s", name, diff)
		}
	}
}

func TestPlaces(t *testing.T) {
	tree, err := Load(archive(t, "testdata/plain.txtar"), "/etc/bind/named.conf")
	if err != nil {
		t.Fatal(err)
	}
	options := Last(tree.Statements, "options")
	recursion := Last(options.Block(), "allow-recursion")
	if recursion.Line != 12 || recursion.File != "/etc/bind/named.conf" || recursion.Word(9) != "" {
		t.Errorf("%+v", recursion)
	}
	zones := All(tree.Statements, "zone")
	if len(zones) != 2 || zones[1].File != "/etc/bind/more.conf" || zones[1].Line != 1 || zones[0].Block()[3].Name() != "notify" {
		t.Errorf("%+v", zones)
	}
	if Last(tree.Statements, "none") != nil || zones[1].Block()[0].Block() != nil {
		t.Error("something is there that is not")
	}
	if diff := cmp.Diff([]string{"/etc/bind/named.conf", "/etc/bind/more.conf"}, tree.Watch); diff != "" {
		t.Error(diff)
	}
}

func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		"options { a b; }":   "/n:1: unexpected end of input",
		"options { a b };":   "/n:1: missing ';' before '}'",
		"a;\nb; };":          "/n:2: unexpected token near '}'",
		"a \"b;\n":           "/n:2: unbalanced quotes",
		"/* a\n":             "/n:1: unterminated comment",
		"include \"/none\";": "no such file",
		"a {\nb;":            "/n:2: unexpected end of input",
	} {
		tree, err := Load(image.Of(t, map[string]string{"/n": text}), "/n")
		if err == nil || !strings.Contains(err.Error(), want) || tree.Statements != nil {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	var syntax *Error
	_, err := Load(image.Of(t, map[string]string{"/n": "}"}), "/n")
	if !errors.As(err, &syntax) || syntax.Line != 1 {
		t.Errorf("%v", err)
	}
}

// TestHostile: what nobody wrote in good faith ends soon and says so.
func TestHostile(t *testing.T) {
	files := map[string]string{
		"/deep":  strings.Repeat("a {", 1000) + strings.Repeat("};", 1000),
		"/self":  `include "/self";`,
		"/many":  strings.Repeat("a;", maxStatements+1),
		"/wide":  strings.Repeat("a ", maxWords+1) + ";",
		"/stars": strings.Repeat("a{};", 1) + "b" + strings.Repeat("{}", maxWords+1) + ";",
		"/glob":  `include "/g/*";`, "/g/a": "a;", "/g/b": "b;",
		"/slow": strings.Repeat("/* x */", 1<<17),
	}
	for i := range 12 {
		files[fmt.Sprintf("/x%d", i)] = strings.Repeat(fmt.Sprintf(`include "/x%d";`, i+1), 3)
	}
	files["/x12"] = ""
	root := image.Of(t, files)
	for _, name := range []string{"/deep", "/self", "/many", "/wide", "/stars", "/x0"} {
		if tree, err := Load(root, name); !errors.Is(err, ErrLimit) || len(tree.Watch) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if tree, err := Load(root, "/glob"); err != nil || len(tree.Statements) != 2 || !slices.Contains(tree.Watch, "/g/") {
		t.Errorf("%+v, %v", tree, err)
	}
	if _, err := Load(root, "/slow"); err != nil {
		t.Error(err)
	}
	if _, err := Load(root, "/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := unix.Mkfifo(root.Path("/fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(root, "/fifo"); !errors.Is(err, hostfs.ErrNotRegular) {
		t.Error(err)
	}
}

// FuzzParse: nothing panics, and lines are those of the text.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"options { a \"b\\\"\" { c; } d; };", "a/*", "a//b\n;", "!{!a;};", "include \"x\";", "# x\n\"", "{};;", "a\x00;"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p := &parser{loader: &loader{tree: &Tree{}, files: maxFiles, room: maxBytes}, lexer: lexer{text: text, file: "f", line: 1}}
		lines := strings.Count(string(text), "\n") + 1
		in, err := p.statements(0)
		if err != nil {
			return
		}
		for _, s := range in {
			if s.Line < 1 || s.Line > lines {
				t.Fatalf("%+v of %d lines", s, lines)
			}
		}
	})
}
