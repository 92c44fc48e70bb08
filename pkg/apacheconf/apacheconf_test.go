package apacheconf

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"seawall/pkg/hostfs/image"
)

// show writes directives one a line.
func show(list []Directive) string {
	var b strings.Builder
	for _, d := range list {
		fmt.Fprintf(&b, "%s %q %s:%d", d.Name, d.Args, strings.TrimPrefix(d.File, "/c/"), d.Line)
		if d.Block != nil {
			fmt.Fprintf(&b, " {\n%s}", show(d.Block))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func load(t testing.TB, files map[string]string) (*Tree, error) {
	t.Helper()
	return Load(image.Of(t, files), "/c/apache2.conf")
}

func TestDirectives(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"# a comment \\\nListen 1", ""}, // a comment goes on, too
		{"Listen 1\n  LISTEN\t\"a b\" 'c' \n", "listen [\"1\"] apache2.conf:1\nlisten [\"a b\" \"c\"] apache2.conf:2\n"},
		{"A b \\\n  c\\\nd\nE", "a [\"b\" \"cd\"] apache2.conf:1\ne [] apache2.conf:4\n"},
		{`A "x \"y\" \\ \n" 'it''s'`, "a [\"x \\\"y\\\" \\\\ \\\\n\" \"it\" \"s\"] apache2.conf:1\n"},
		{"A b#c", "a [\"b#c\"] apache2.conf:1\n"},
		{"<VirtualHost *:443 [::1]:443>\nA\n</virtualhost>\nB\n", "virtualhost [\"*:443\" \"[::1]:443\"] apache2.conf:1 {\na [] apache2.conf:2\n}\nb [] apache2.conf:4\n"},
		{"<RequireAll>\n</RequireAll>", "requireall [] apache2.conf:1 {\n}\n"},
		{"<LocationMatch \"^/a>b\">\n</LocationMatch>", "locationmatch [\"^/a>b\"] apache2.conf:1 {\n}\n"},
		{"Define P 80\nListen ${P} ${Q} \"a${P}b\" ${P", "define [\"P\" \"80\"] apache2.conf:1\nlisten [\"80\" \"${Q}\" \"a80b\" \"${P\"] apache2.conf:2\n"},
		{"Define P 80\nUnDefine P\nListen ${P}", "define [\"P\" \"80\"] apache2.conf:1\nundefine [\"P\"] apache2.conf:2\nlisten [\"${P}\"] apache2.conf:3\n"},
	} {
		tree, err := load(t, map[string]string{"/c/apache2.conf": tt.text})
		if err != nil {
			t.Errorf("%q: %v", tt.text, err)
			continue
		}
		if diff := cmp.Diff(tt.want, show(tree.Directives)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.text, diff)
		}
	}
}

func TestConditions(t *testing.T) {
	for text, holds := range map[string]bool{
		"<IfModule core.c>": true, "<IfModule !core.c>": false, "<IfModule mod_ssl.c>": true, "<IfModule ssl_module>": true, "<IfModule mod_none.c>": false,
		"<IfModule prefork.c>": true, "<IfDefine X>": true, "<IfDefine !X>": false, "<IfDefine Y>": false, "<IfFile /c/there>": true, "<IfFile there>": true,
		"<IfFile none>": false, "<IfVersion >= 2.4>": true, "<IfVersion < 2.4>": false, "<IfVersion 2.4>": true, "<IfVersion !> 2.2>": false, "<IfVersion <= 2.4.1>": false,
		"<IfVersion ~ ^2>": true, "<IfVersion > 2.4.66>": false,
	} {
		name, _, _ := strings.Cut(text[1:], " ")
		all := "LoadModule ssl_module modules/mod_ssl.so\nLoadModule mpm_prefork_module m/mod_mpm_prefork.so\nDefine X\n" + text + "\n<Directory /x>\nIn\n</Directory>\n</" + name + ">\n"
		tree, err := load(t, map[string]string{"/c/apache2.conf": all, "/c/there": ""})
		if err != nil || (len(tree.All("directory")) == 1) != holds {
			t.Errorf("%s: %v, got %s", text, err, show(tree.Directives))
		}
	}
	// What does not count is not read: no includes, no definitions.
	tree, err := load(t, map[string]string{"/c/apache2.conf": "<IfModule none.c>\nInclude none\nDefine A\nLoadModule x_module x.so\n</IfModule>\n<IfDefine A>\nB\n</IfDefine>"})
	if err != nil || len(tree.Directives) != 0 {
		t.Errorf("%v, %s", err, show(tree.Directives))
	}
}

func TestIncludes(t *testing.T) {
	files := map[string]string{
		"/c/apache2.conf": "Include b/*.conf\nIncludeOptional none/*\nIncludeOptional none.conf\nInclude d\nServerRoot /e\nInclude f\n",
		"/c/b/2.conf":     "B2", "/c/b/1.conf": "B1\nInclude b/2.conf", "/c/b/.3.conf": "B3", "/c/d/.x": "DX", "/c/d/sub/y": "DY", "/e/f": "F",
	}
	tree, err := load(t, files)
	if err != nil {
		t.Fatal(err)
	}
	want := "b1 [] b/1.conf:1\nb2 [] b/2.conf:1\nb2 [] b/2.conf:1\ndx [] d/.x:1\ndy [] d/sub/y:1\nserverroot [\"/e\"] apache2.conf:5\nf [] /e/f:1\n"
	if diff := cmp.Diff(want, show(tree.Directives)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, w := range []string{"/c/b/", "/c/none/", "/c/none.conf", "/c/d/", "/c/envvars"} {
		if !slices.Contains(tree.Watch, w) {
			t.Errorf("%s is not watched: %q", w, tree.Watch)
		}
	}
	for text, want := range map[string]string{
		"Include none/*.conf": "Syntax error on line 1 of /c/apache2.conf: No matches for the wildcard '*.conf' in '/c/none', failing (use IncludeOptional if required)",
		"Include none":        "include in /c/apache2.conf:1: open /c/none: no such file or directory",
	} {
		if _, err := load(t, map[string]string{"/c/apache2.conf": text}); err == nil || err.Error() != want {
			t.Errorf("%s: got %v", text, err)
		}
	}
	if _, err := load(t, map[string]string{"/c/apache2.conf": "Include apache2.conf"}); !errors.Is(err, ErrLimit) {
		t.Errorf("loop: %v", err)
	}
	if _, err := load(t, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing there: %v", err)
	}
}

func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"<Directory /x>\nA\n":                  "Syntax error on line 1 of /c/apache2.conf: <directory> was not closed.",
		"A\n</Directory>":                      "Syntax error on line 2 of /c/apache2.conf: </directory> without matching <directory> section",
		"<Directory /x>\n</Location>":          "Syntax error on line 2 of /c/apache2.conf: Expected </directory> but saw </location>",
		"<Directory /x\n</Directory>":          "Syntax error on line 1 of /c/apache2.conf: <directory> directive missing closing '>'",
		"<Macro A>\nx":                         "Syntax error on line 1 of /c/apache2.conf: <macro> was not closed.",
		strings.Repeat("<Directory /x>\n", 40): "/c/apache2.conf:32: the configuration is too large to be read",
	} {
		tree, err := load(t, map[string]string{"/c/apache2.conf": text})
		if err == nil || err.Error() != want || tree.Directives != nil {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

// TestMacro: macros are passed over, and their uses told.
func TestMacro(t *testing.T) {
	tree, err := load(t, map[string]string{"/c/apache2.conf": "<Macro Host $n>\n<VirtualHost $n>\n</Macro>\nUse Host a\nB"})
	if err != nil || len(tree.Uses) != 1 || tree.Uses[0].Line != 4 || show(tree.Directives) != "use [\"Host\" \"a\"] apache2.conf:4\nb [] apache2.conf:5\n" {
		t.Errorf("%v, %+v, %s", err, tree.Uses, show(tree.Directives))
	}
}

// TestVariables: what Define makes of words is bounded.
func TestVariables(t *testing.T) {
	text := "Define a0 xxxxxxxxxx\n"
	for i := range 20 {
		text += fmt.Sprintf("Define a%d %s\n", i+1, strings.Repeat(fmt.Sprintf("${a%d}", i), 10))
	}
	tree, err := load(t, map[string]string{"/c/apache2.conf": text, "/c/envvars": "export APACHE_LOG_DIR=/var/log/apache2$SUFFIX\nunset X\nfor x in a; do y=$x; done\nY=\"$Z\"\n: ${A:=b}\n"})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range tree.Directives {
		for _, a := range d.Args {
			if len(a) > 2*maxWord {
				t.Fatalf("%d bytes", len(a))
			}
		}
	}
	tree, err = load(t, map[string]string{"/c/apache2.conf": "ErrorLog ${APACHE_LOG_DIR}/e ${Y}", "/c/envvars": "export APACHE_LOG_DIR=/var/log/apache2$SUFFIX\nY=\"$Z\"\n"})
	if err != nil || !slices.Equal(tree.Directives[0].Args, []string{"/var/log/apache2/e", "${Y}"}) {
		t.Errorf("%v, %s", err, show(tree.Directives))
	}
}

// debian returns the files of testdata/debian.txtar and what httpd said of them.
func debian(t testing.TB) (files map[string]string, included, hosts string) {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/debian.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files = map[string]string{}
	for _, f := range archive.Files[2:] {
		files["/"+f.Name] = string(f.Data)
	}
	return files, string(archive.Files[0].Data), string(archive.Files[1].Data)
}

// TestDebian reads the files that the real httpd includes, in its order, and finds
// its virtual hosts at its lines.
func TestDebian(t *testing.T) {
	files, included, hosts := debian(t)
	tree, err := Load(image.Of(t, files), "/etc/apache2/apache2.conf")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, f := range tree.Files {
		if f != "/etc/apache2/envvars" {
			fmt.Fprintln(&got, f)
		}
	}
	if diff := cmp.Diff(included, got.String()); diff != "" {
		t.Errorf("files (-DUMP_INCLUDES +got):\n%s", diff)
	}
	got.Reset()
	for _, v := range tree.All("virtualhost") {
		for _, n := range v.All("servername") {
			fmt.Fprintf(&got, "%s %s %s:%d\n", v.Args[0], n.Args[0], v.File, v.Line)
		}
	}
	if diff := cmp.Diff(hosts, got.String()); diff != "" {
		t.Errorf("hosts (-DUMP_VHOSTS +got):\n%s", diff)
	}
}

func FuzzLoad(f *testing.F) {
	files, _, _ := debian(f)
	for _, text := range files {
		f.Add(text)
	}
	f.Add("<IfModule !x>\n<A \"\\\">\nDefine a ${a}\n</A>\n</IfModule>\nInclude *")
	f.Fuzz(func(t *testing.T, text string) {
		tree, err := load(t, map[string]string{"/c/apache2.conf": text})
		if err != nil {
			return
		}
		lines := strings.Count(text, "\n") + 1
		var look func(list []Directive)
		look = func(list []Directive) {
			for _, d := range list {
				if d.Line < 1 || d.Line > lines || d.Name != strings.ToLower(d.Name) || strings.Contains(d.Name, "\n") {
					t.Errorf("%q: %+v", text, d)
				}
				look(d.Block)
			}
		}
		look(tree.Directives)
	})
}
