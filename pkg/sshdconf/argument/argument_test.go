package argument

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// take has a reader read the arguments of a line.
func take(read func(*List) error, args ...string) (*List, error) {
	a := &List{Left: args, Rest: strings.Join(args, " "), Keyword: "Keyword", Active: true}
	return a, read(a)
}

func TestReaders(t *testing.T) {
	yes := Choice("yes", "all=yes", "no")
	level := Named("log level", "QUIET DEBUG DEBUG1=DEBUG")
	file := Needs(MissingFile, File)
	for _, c := range []struct {
		name string
		read func(*List) error
		args string
		want string // the value, or what is wrong after "!"
	}{
		{"choice", yes, "YES", "yes"},
		{"choice under another name", yes, "All", "yes"},
		{"choice of none", yes, "", "!missing argument."},
		{"choice unknown", yes, "maybe", `!unsupported option "maybe".`},
		{"name", level, "debug1", "DEBUG"},
		{"no name", level, "", "!unsupported log level '<NONE>'"},
		{"name unknown", level, "LOUD", "!unsupported log level 'LOUD'"},
		{"file", file, "/etc/key", "/etc/key"},
		{"file at home", file, "~/key", "/root/key"},
		{"file of no folder", file, "key", "//key"},
		{"no file", file, "", "!missing file name."},
		{"the word none", file, "NONE", "none"},
		{"the word for no file", Needs(Missing, FileUnless("internal")), "Internal", "Internal"},
		{"a file where a word can stand", Needs(Missing, FileUnless("internal")), "x", "//x"},
		{"a pattern need not be absolute", Needs(Missing, Pattern), "%h/keys", "%h/keys"},
		{"nothing where something must be", Needs(Missing, Pattern), "", "!Keyword missing argument."},
		{"hash", Needs(Missing, Digest), "sha256", "SHA256"},
		{"hash unknown", Needs(Missing, Digest), "crc32", `!Invalid Keyword algorithm "crc32".`},
		{"text", Needs(Missing, Text), "None", "None"},
		{"command", Command, "/bin/true -x 'a b'", "/bin/true -x 'a b'"},
		{"no command", Command, "None", "none"},
		{"command of no folder", Command, "true", "!Keyword must be an absolute path"},
		{"addendum", Addendum, "a # b", "a # b"},
		{"addendum of two lines", Addendum, "a\rb", "!Invalid Keyword argument"},
		{"anything", Anything, "a b c", "a b c"},
	} {
		a, err := take(c.read, strings.Split(c.args, " ")...)
		got := strings.Join(a.Out, "|")
		if err != nil {
			got = "!" + err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// What a reader does not take stays, for the caller to refuse.
func TestNextAndAll(t *testing.T) {
	a, err := take(Needs(Missing, Text), "one", "two", "")
	if err != nil || !slices.Equal(a.Out, []string{"one"}) || len(a.Left) != 2 {
		t.Errorf("after one: %+v, %v", a, err)
	}
	if arg, ok := a.Next(); arg != "two" || !ok {
		t.Errorf("next: %q, %v", arg, ok)
	}
	if _, ok := a.Next(); ok {
		t.Error("an empty argument counts")
	}
	if _, ok := a.Next(); ok || len(a.All()) != 0 {
		t.Error("there is more after the end")
	}
	a.Out = nil
	a.Join(nil)
	if a.Out != nil {
		t.Errorf("no word is the value %q", a.Out)
	}
}

func TestErrors(t *testing.T) {
	var refused *Error
	if err := Soft("keyword %s", "x"); !errors.As(err, &refused) || !refused.Soft || err.Error() != "keyword x" {
		t.Errorf("soft: %#v", err)
	}
	if err := Fatal("bad %d", 1); !errors.As(err, &refused) || refused.Soft || err.Error() != "bad 1" {
		t.Errorf("fatal: %#v", err)
	}
}
