package pattern

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		s, pattern string
		want       bool
	}{
		{"root", "root", true},
		{"root", "Root", false},
		{"root", "r*", true},
		{"root", "r??t", true},
		{"root", "r?t", false},
		{"", "*", true},
		{"", "?", false},
		{"", "", true},
		{"a", "", false},
		{"abcabd", "*abd", true},
		{"abcabd", "a*b*d", true},
		{"abcabd", "a*b*e", false},
		{"a", "a**", true},
		{"[x]", "[x]", true}, // brackets mean nothing here
		{"x", "[x]", false},
	} {
		if got := Match(c.s, c.pattern); got != c.want {
			t.Errorf("Match(%q, %q) = %v, want %v", c.s, c.pattern, got, c.want)
		}
	}
}

// The regular expression is the independent definition of a wildcard pattern.
func TestMatchAgreesWithRegexp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOfN(rapid.RuneFrom([]rune("ab")), 0, 12, -1).Draw(t, "s")
		p := rapid.StringOfN(rapid.RuneFrom([]rune("ab*?")), 0, 8, -1).Draw(t, "pattern")
		expr := strings.NewReplacer("*", ".*", "?", ".").Replace(p)
		want := regexp.MustCompile("^(?:" + expr + ")$").MatchString(s)
		if got := Match(s, p); got != want {
			t.Fatalf("Match(%q, %q) = %v, want %v", s, p, got, want)
		}
	})
}

func TestMatchIsNotExponential(t *testing.T) {
	s, p := strings.Repeat("a", 4000), strings.Repeat("a*", 500)+"b"
	begin := time.Now()
	if Match(s, p) {
		t.Error("matched")
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("took %v", took)
	}
}

func TestList(t *testing.T) {
	for _, c := range []struct {
		s, list string
		want    Result
	}{
		{"root", "root", Matched},
		{"root", "alice,root", Matched},
		{"root", "*,!root", Negated},
		{"root", "!root,*", Negated},
		{"root", "!root", Negated},
		{"alice", "!root", None},
		{"alice", "*,!root", Matched},
		{"alice", "", None},
		{"root", strings.Repeat("*", 2000), None},
	} {
		if got := List(c.s, c.list); got != c.want {
			t.Errorf("List(%q, %.40q) = %v, want %v", c.s, c.list, got, c.want)
		}
	}
	if Host("A.Example", "*.EXAMPLE") != Matched {
		t.Error("a host name is matched with letter case")
	}
}

func TestAddress(t *testing.T) {
	for _, c := range []struct {
		addr, list string
		want       Result
		bad        bool
	}{
		{"10.1.2.3", "10.0.0.0/8", Matched, false},
		{"11.1.2.3", "10.0.0.0/8", None, false},
		{"192.168.4.4", "*,!192.168.0.0/16", Negated, false},
		{"10.1.2.3", "10.1.*", Matched, false},
		{"10.1.2.3", "10.1.2.3", Matched, false},
		{"2001:db8::1", "2001:db8::/32", Matched, false},
		{"2001:db8::1", "10.0.0.0/8,2001:db8:*", Matched, false},
		{"10.1.2.3", "::/0", None, false},
		{"2001:db8::1", "0.0.0.0/0", None, false},
		{"not an address", "*", None, false},
		{"10.1.2.3", "10.0.0.1/8", None, true},
		{"10.1.2.3", "10.0.0.0/33", None, true},
		{"10.1.2.3", "10.0.0.0/8,,", None, true},
		{"10.1.2.3", "10.0.0.0/x", None, false}, // a pattern, if an odd one
		{"", "10.0.0.0/8", None, false},
		{"", "10.0.0.1/8", None, true},
	} {
		got, err := Address(c.addr, c.list)
		if got != c.want || (err != nil) != c.bad {
			t.Errorf("Address(%q, %q) = %v, %v; want %v, error %v", c.addr, c.list, got, err, c.want, c.bad)
		}
		if err != nil && !errors.Is(err, ErrMask) {
			t.Errorf("Address(%q, %q): %v does not wrap ErrMask", c.addr, c.list, err)
		}
	}
}

func TestCheckUser(t *testing.T) {
	for entry, good := range map[string]bool{
		"alice": true, "alice@10.0.0.0/8": true, "*@host.example": true,
		"alice@10.0.0.1/8": false, "alice@": false,
	} {
		if err := CheckUser(entry); (err == nil) != good {
			t.Errorf("CheckUser(%q) = %v", entry, err)
		}
	}
}

func FuzzAddress(f *testing.F) {
	for _, seed := range [][2]string{
		{"10.1.2.3", "10.0.0.0/8"}, {"::1", "!::1,*"}, {"", ","}, {"1.2.3.4", "1.2.3.4/32,/,/8"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, addr, list string) {
		_, errWith := Address(addr, list)
		_, errWithout := Address("", list)
		if errWith != nil && errWithout == nil {
			t.Errorf("%q is refused with address %q and sound without", list, addr)
		}
	})
}
