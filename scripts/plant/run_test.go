package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"seawall/agent/facts"
	"seawall/agent/policy/checks"
)

// builtin lists the ids of the built-in checks.
func builtin(t *testing.T) []string {
	t.Helper()
	p, err := checks.Load(facts.Facts{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, c := range p.Checks() {
		ids = append(ids, c.ID)
	}
	return ids
}

// seawall is a program that checks two files in dir: "x-one" passes where the file
// one says good, and so on; two has the resource r. Its fix makes one good.
func seawall(t *testing.T) (h *host, dir string) {
	t.Helper()
	dir = t.TempDir()
	program := filepath.Join(dir, "seawall")
	write(t, program, `#!/bin/bash
cd "`+dir+`"
say() { if [[ $(cat "$1") == good ]]; then echo pass; else echo fail; fi; }
printf '{"results": [{"check": "x-one", "status": "%s", "actual": "a", "remediation": "echo good >`+dir+`/WORD"},' "$(say one)"
printf '{"check": "x-two", "resource": "r", "status": "%s", "actual": "b"}]}' "$(say two)"
exit 1
`)
	if err := os.Chmod(program, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "one"), "good\n")
	write(t, filepath.Join(dir, "two"), "good\n")
	return &host{seawall: program}, dir
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestDo follows faults of all sorts.
func TestDo(t *testing.T) {
	for _, tt := range []struct {
		name string
		c    Case
		want string // of the error, "" for none
	}{
		{"right", Case{Break: "echo bad >DIR/one"}, ""},
		{"fixed before", Case{Prepare: "echo bad >DIR/one", Break: "echo worse >DIR/one"}, ""},
		{"no fault", Case{Break: "true"}, "is pass after the break: a"},
		{"break fails", Case{Break: "false"}, "break: exit status 1"},
		{"too much", Case{Break: "echo bad >DIR/one; echo bad >DIR/two"}, "flips others too:\nx-two: fail, was pass: r b"},
		{"too much, and meant", Case{Break: "echo bad >DIR/one; echo bad >DIR/two", Also: []string{"x-two"}}, ""},
		{"fix fails", Case{Break: "echo bad >DIR/one", Fix: "exit 3"}, "fix: exit status 3"},
		{"fix does nothing", Case{Break: "echo bad >DIR/one", Fix: "true"}, "is fail after its fix: a"},
		{"fix breaks", Case{Break: "echo bad >DIR/one", Fix: "echo good >DIR/one; echo bad >DIR/two"}, "after its fix others differ:\nx-two: fail"},
		{"no resource", Case{Check: "x-two", Break: "echo bad >DIR/two", Resource: "q"}, "is not there after the break"},
		{"no fix", Case{Check: "x-two", Break: "echo bad >DIR/two", Resource: "r"}, "has no fix"},
		{"cleanup fails", Case{Break: "echo bad >DIR/one", Cleanup: "false"}, "cleanup: exit status 1"},
	} {
		h, dir := seawall(t)
		c := tt.c
		if c.Check == "" {
			c.Check = "x-one"
		}
		c.Want = "fail"
		c.With = map[string]string{"WORD": "one"}
		for _, text := range []*string{&c.Break, &c.Prepare, &c.Fix} {
			*text = strings.ReplaceAll(*text, "DIR", dir)
		}
		_, err := h.do(t.Context(), round{&c}, nil, around{})
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

// TestRound: cases that go together share three looks, and each is told apart.
func TestRound(t *testing.T) {
	h, dir := seawall(t)
	fix := "echo good >" + dir + "/"
	one := Case{Check: "x-one", Together: "a", Break: "echo bad >" + dir + "/one", Fix: fix + "one", Want: "fail"}
	two := Case{Check: "x-two", Together: "a", Break: "echo bad >" + dir + "/two", Fix: fix + "two", Want: "fail"}
	if code := h.all(t.Context(), rounds([]Case{one, two})); code != 0 || h.looks != 3 {
		t.Errorf("exit status %d after %d looks", code, h.looks)
	}
	two.Fix = "true"
	if code := h.all(t.Context(), rounds([]Case{one, two})); code != 1 {
		t.Errorf("exit status %d", code)
	}
	_, err := h.do(t.Context(), round{&one, &two}, nil, around{})
	if err == nil || strings.Contains(err.Error(), "x-one") || !strings.Contains(err.Error(), "x-two: is fail before the break: b") {
		t.Errorf("%v", err)
	}
}

// TestLike: neighbours that prepare and clean up the same do so once, and a look less;
// after one that goes wrong all is done anew.
func TestLike(t *testing.T) {
	h, dir := seawall(t)
	like := Case{
		Check: "x-one", Break: "echo bad >" + dir + "/one", Fix: "echo good >" + dir + "/one", Want: "fail",
		Prepare: "echo prepare >>" + dir + "/log", Cleanup: "echo cleanup >>" + dir + "/log",
	}
	wrong, other := like, like
	wrong.Break = "false"
	other.Cleanup += "; true"
	for _, tt := range []struct {
		name  string
		cases []Case
		code  int
		looks int
		log   string
	}{
		{"two", []Case{like, like}, 0, 5, "prepare cleanup"},
		{"a wrong one between", []Case{like, wrong, like}, 1, 6, "prepare cleanup prepare cleanup"},
		{"another", []Case{like, other}, 0, 6, "prepare cleanup prepare cleanup"},
	} {
		h.looks = 0
		write(t, filepath.Join(dir, "log"), "")
		code := h.all(t.Context(), rounds(tt.cases))
		log, err := os.ReadFile(filepath.Join(dir, "log"))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(strings.Fields(string(log)), " "); code != tt.code || h.looks != tt.looks || got != tt.log {
			t.Errorf("%s: exit status %d after %d looks, %q", tt.name, code, h.looks, got)
		}
	}
}

// TestOnce: a round runs a line of its texts once, after them.
func TestOnce(t *testing.T) {
	h, dir := seawall(t)
	load := "cat " + dir + "/one " + dir + "/two >>" + dir + "/log"
	one := Case{Check: "x-one", Together: "a", Break: "echo bad >" + dir + "/one", Fix: load + "\necho good >" + dir + "/one", Want: "fail", Once: load}
	two := Case{Check: "x-two", Together: "a", Break: "echo bad >" + dir + "/two", Fix: "echo good >" + dir + "/two\n" + load, Want: "fail", Once: load}
	if code := h.all(t.Context(), rounds([]Case{one, two})); code != 0 {
		t.Errorf("exit status %d", code)
	}
	if log, err := os.ReadFile(filepath.Join(dir, "log")); err != nil || string(log) != "good\ngood\n" {
		t.Errorf("%q, %v", log, err)
	}
	two.Once = "reboot"
	if _, err := h.do(t.Context(), round{&one, &two}, nil, around{}); err == nil || !strings.Contains(err.Error(), `x-two: fix: has no line "reboot"`) {
		t.Errorf("%v", err)
	}
}

func TestRounds(t *testing.T) {
	all := rounds([]Case{
		{Check: "a-b", Together: "x", Needs: []string{"p"}}, {Check: "c-d", Also: []string{"e-f", "a-g"}}, {Check: "h-i", Together: "x", Needs: []string{"o", "p"}},
	})
	if len(all) != 2 || strings.Join(all[0].checks(), " ") != "a-b h-i" || strings.Join(all[0].needs(), " ") != "o p" {
		t.Fatalf("%v", all)
	}
	if got := part(all, 2, 2); len(got) != 1 || got[0][0].Check != "c-d" {
		t.Errorf("the second half is %v", got)
	}
	if got := strings.Join(all[1].families(), " "); got != "a c e" {
		t.Errorf("families %s", got)
	}
}

// TestLookFails: what is no answer is none.
func TestLookFails(t *testing.T) {
	for _, text := range []string{"#!/bin/sh\necho '{}'\n", "#!/bin/sh\necho no >&2\nexit 2\n", "#!/bin/sh\necho '['\n"} {
		name := filepath.Join(t.TempDir(), "seawall")
		write(t, name, text)
		if err := os.Chmod(name, 0o755); err != nil {
			t.Fatal(err)
		}
		if s, err := (&host{seawall: name}).look(t.Context()); err == nil {
			t.Errorf("%q: %v", text, s)
		}
	}
}
