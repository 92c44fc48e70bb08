package nevra

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func packages() []Package {
	return []Package{
		Split("php", "0:8.1-1.el9", "x86_64"), Split("php-cli", "0:8.1-1.el9", "x86_64"), Split("php-8.1", "1:7-2.el9", "noarch"),
		Split("glibc", "0:2.34-60.el9", "i686"), Split("bash", "5.1-6", "x86_64"),
	}
}

// TestSpec: which packages a pattern means among all of them, as dnf 4 answers. More
// is compared with dnf itself in package dnf.
func TestSpec(t *testing.T) {
	for text, want := range map[string]string{
		"php": "php-8.1-1.el9.x86_64", "php-*": "php-cli-8.1-1.el9.x86_64 php-8.1-1:7-2.el9.noarch",
		"php-8*": "php-8.1-1:7-2.el9.noarch", "glibc-*": "glibc-2.34-60.el9.i686", "*.i686": "glibc-2.34-60.el9.i686",
		"php.x86_64": "php-8.1-1.el9.x86_64", "bash-5.1": "bash-5.1-6.x86_64", "bash-0:5.1": "bash-5.1-6.x86_64", "bash-1:5.1": "",
		"bash-5.1-6.x86_64": "bash-5.1-6.x86_64", "php-8.1-1:7-2.el9": "php-8.1-1:7-2.el9.noarch", "none": "", "": "",
		"*-0:5.1-*": "bash-5.1-6.x86_64", "bash-5*x86_64": "bash-5.1-6.x86_64", "bash-0:5*x86_64": "bash-5.1-6.x86_64",
		"[gb]*": "glibc-2.34-60.el9.i686 bash-5.1-6.x86_64",
	} {
		p := Spec(text)
		for _, b := range packages() {
			p.Meet(b)
		}
		if got := matches(p); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func matches(p *Pattern) string {
	var got []string
	for _, b := range packages() {
		if p.Matches(b) {
			got = append(got, b.String())
		}
	}
	return strings.Join(got, " ")
}

// TestUnmet: a pattern that was told of nothing takes any form.
func TestUnmet(t *testing.T) {
	if got := matches(Spec("php-*")); !strings.HasPrefix(got, "php-8.1-1.el9.x86_64 php-cli") {
		t.Errorf("got %q", got)
	}
}

// TestAsks: once the first form is known to match, no package changes anything.
func TestAsks(t *testing.T) {
	p := Spec("*.i686")
	if !p.Asks("anything") {
		t.Error("it asks for nothing")
	}
	for _, b := range packages() {
		p.Meet(b)
	}
	if p.Asks("anything") || p.Asks("a.i686") {
		t.Error("it still asks")
	}
	for text, want := range map[string]string{"php": "php", "php-*": "php php-cli php-8.1", "php-cli-8*x86_64": "php php-cli", "g*c": "glibc", "ba[s]h-5": "bash"} {
		var asked []string
		for _, b := range packages() {
			if Spec(text).Asks(b.Name) {
				asked = append(asked, b.Name)
			}
		}
		if got := strings.Join(asked, " "); got != want {
			t.Errorf("%q asks for %q, want %q", text, got, want)
		}
	}
}

// TestLock: a lock is tried as a version before it is tried as a name, and names
// its package even where that version is not there.
func TestLock(t *testing.T) {
	p := Lock("php-8.1")
	for _, b := range packages() {
		p.Meet(b)
	}
	if got := matches(p); got != "php-8.1-1.el9.x86_64" {
		t.Errorf("got %q", got)
	}
	gone := Lock("bash-0:4.0-1.*")
	for _, b := range packages() {
		gone.Meet(b)
	}
	if matches(gone) != "" || !gone.Names("bash") || gone.Names("php") {
		t.Errorf("got %q, %v", matches(gone), gone.Names("bash"))
	}
	if !Lock("a b").Empty() || !Lock("").Empty() || Lock("a").Empty() {
		t.Error("empty")
	}
}

func TestSplit(t *testing.T) {
	if got, want := Split("a", "3:1-2-3", "noarch"), (Package{"a", "3", "1", "2-3", "noarch"}); got != want {
		t.Errorf("got %+v", got)
	}
	if got, want := Split("a", "1", ""), (Package{"a", "0", "1", "", ""}); got != want {
		t.Errorf("got %+v", got)
	}
}

func TestGlob(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"a*", "a", true}, {"a*b*c", "axxbxxc", true}, {"a*b*c", "axxbxx", false},
		{"?", "", false}, {"a?c", "abc", true}, {"[abc]", "b", true}, {"[!abc]", "b", false}, {"[^abc]", "d", true}, {"[a-c]x", "bx", true},
		{"[]]", "]", true}, {"[!]]", "]", false}, {"[a", "[a", true}, {"[a-]", "-", true}, {`\*`, "*", true}, {`\*`, "a", false}, {"[[]", "[", true},
		{"a**", "a", true}, {"*a", "ba", true}, {"kernel*-5.14", "kernel-core-5.14", true}, {`a\`, `a\`, true}, {"[z-a]", "b", false},
	} {
		if got := Glob(tt.pattern, tt.text); got != tt.want {
			t.Errorf("Glob(%q, %q) = %v", tt.pattern, tt.text, got)
		}
	}
	long := strings.Repeat("a", 5000)
	if Glob(strings.Repeat("a*", 500)+"b", long) {
		t.Error("matched")
	}
}

// TestGlobAgainstFnmatch holds Glob against the C library's fnmatch(3), over patterns and
// texts of few letters.
func TestGlobAgainstFnmatch(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	word := func(letters string, n int) string {
		b := make([]byte, rng.IntN(n))
		for i := range b {
			b[i] = letters[rng.IntN(len(letters))]
		}
		return string(b)
	}
	type pair struct {
		pattern, text string
	}
	pairs := make([]pair, 20_000)
	var in strings.Builder
	for i := range pairs {
		pairs[i] = pair{pattern: word(`aabbc**?[[]]!^-\`, 9), text: word("aabbc-]", 7)}
		fmt.Fprintf(&in, "%s\n%s\n", pairs[i].pattern, pairs[i].text)
	}
	cmd := exec.Command("python3", "-c", `import ctypes, sys
libc, lines = ctypes.CDLL(None), sys.stdin.buffer.read().split(b"\n")
print("".join("01"[libc.fnmatch(lines[i], lines[i+1], 0) == 0] for i in range(0, len(lines) - 1, 2)))`)
	cmd.Stdin = strings.NewReader(in.String())
	out, err := cmd.Output()
	if err != nil || len(out) != len(pairs)+1 {
		t.Fatalf("python3: %d answers, %v", len(out), err)
	}
	matched, wrong := 0, 0
	for i, p := range pairs {
		want := out[i] == '1'
		if want {
			matched++
		}
		if got := Glob(p.pattern, p.text); got != want {
			if wrong++; wrong <= 20 {
				t.Errorf("Glob(%q, %q) = %v, fnmatch says %v", p.pattern, p.text, got, want)
			}
		}
	}
	if matched < 500 {
		t.Errorf("only %d pairs match", matched)
	}
}

// FuzzSpec: no pattern panics, and one without globs matches the package that it
// was made of.
func FuzzSpec(f *testing.F) {
	for _, s := range [][2]string{{"php-*", "php"}, {"[a", "a"}, {"a-0:1-2.x", "a"}, {`\`, "x"}, {"[!a-b]*?", "abc"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		b := Split(name, "0:1-2", "noarch")
		for _, p := range []*Pattern{Spec(pattern), Lock(pattern)} {
			any := p.Matches(b)
			p.Meet(b)
			if p.Matches(b) != any {
				t.Errorf("%q and %q: %v before they met", pattern, name, any)
			}
		}
		if name != "" && !strings.ContainsAny(name, `*?[\:(/=<> `) && !Spec(name).Matches(b) {
			t.Errorf("%q does not match itself", name)
		}
	})
}

func TestSeeds(t *testing.T) {
	if names, err := os.ReadDir("testdata/fuzz/FuzzSpec"); err == nil && len(names) == 0 {
		t.Error("no seeds")
	}
}
