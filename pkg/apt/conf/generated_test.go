package conf

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// quote is apt's QuoteString as apt-config uses it for names.
func quote(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; strings.IndexByte("=\"\n", c) >= 0 || c <= ' ' || c == '%' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02x", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// generate writes a configuration of the constructs that apt knows, well formed or
// not.
func generate(r *rand.Rand) string {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	name := func() string {
		n := pick("A", "b", "APT::Periodic", "a::B", "List::", "Un-att", "x::y::z", "A::::B", "c::", "%41b", "A[x y]", "D")
		if r.IntN(4) == 0 {
			n += "::" + pick("Q", "q", "", "r::")
		}
		return n
	}
	value := func() string {
		return pick(`"1"`, `"0"`, `""`, `"a b"`, `bare`, `"x//y"`, `"x#y"`, `"/*"`, `"a" "b"`, `"%41"`, `%41`, `"`+strings.Repeat("v", r.IntN(1100))+`"`, `"${x}:y"`, "")
	}
	var b strings.Builder
	depth := 0
	for range 1 + r.IntN(12) {
		switch r.IntN(12) {
		case 0, 1, 2, 3:
			fmt.Fprintf(&b, "%s %s;", name(), value())
		case 4:
			fmt.Fprintf(&b, "%s %s {", name(), pick("", "", `"v"`))
			depth++
		case 5:
			if depth > 0 {
				b.WriteString(pick("};", "}", " } ; "))
				depth--
			}
		case 6:
			fmt.Fprintf(&b, "%s;", value())
		case 7:
			b.WriteString(pick("// c\n", "# c\n", "/* c */", "/* c\n d */", "/* \" */", " // \"\n", "#clearing\n"))
		case 8:
			if depth == 0 {
				fmt.Fprintf(&b, "#clear %s;", name())
			}
		case 9:
			fmt.Fprintf(&b, "%s\n\t%s\n;", name(), value())
		default:
			b.WriteString(pick("\n", " ", "\t", ";", "\n\n"))
		}
		b.WriteString(pick("\n", "\n", " ", ""))
	}
	for ; depth > 0; depth-- {
		b.WriteString("};\n")
	}
	return b.String()
}

// TestGeneratedAgainstAptConfig holds the parser against apt-config dump on
// generated configurations of two files each.
func TestGeneratedAgainstAptConfig(t *testing.T) {
	dir := t.TempDir()
	parts, conf := filepath.Join(dir, "parts"), filepath.Join(dir, "apt.conf")
	if err := os.Mkdir(parts, 0o755); err != nil {
		t.Fatal(err)
	}
	start := fmt.Sprintf("Dir::Etc::parts \"%s\"; Dir::Etc::main \"/dev/null\";\n", parts)
	if err := os.WriteFile(conf, []byte(start), 0o644); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(4, 12))
	const rounds = 150
	refused := 0
	for range rounds {
		var tree Tree
		var want error
		var texts [2]string
		for i, name := range []string{"a", "b.conf"} {
			texts[i] = generate(r)
			if err := os.WriteFile(filepath.Join(parts, name), []byte(texts[i]), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := tree.Parse(name, []byte(texts[i])); err != nil {
				want = err
			}
		}
		cmd := exec.Command("apt-config", "dump")
		cmd.Env = []string{"APT_CONFIG=" + conf, "LC_ALL=C"}
		out, err := cmd.Output()
		if (err != nil) != (want != nil) {
			t.Errorf("apt-config: %v, we: %v, for\n%s\n----\n%s", err, want, texts[0], texts[1])
			continue
		}
		if err != nil {
			refused++
			continue
		}
		if d := compare(lines(&tree.root, ""), strings.Split(string(out), "\n")); d != "" {
			t.Errorf("%s\nfor\n%s\n----\n%s", d, texts[0], texts[1])
		}
	}
	if refused > rounds/2 {
		t.Errorf("%d of %d configurations are refused: too few say anything", refused, rounds)
	}
}

// lines are the tree as apt-config prints it, names quoted.
func lines(n *node, prefix string) []string {
	var all []string
	for _, c := range n.children {
		all = append(all, fmt.Sprintf("%s \"%s\";", quote(prefix+c.tag), c.value.Text))
		all = append(all, lines(c, prefix+c.tag+"::")...)
	}
	return all
}

// compare says which lines of ours are not in apt's, and which names of ours apt
// has other lines for. apt's defaults have other names.
func compare(ours, theirs []string) string {
	names := map[string]bool{}
	for _, line := range ours {
		name, _, _ := strings.Cut(line, ` "`)
		names[name] = true
	}
	theirs = slices.DeleteFunc(theirs, func(line string) bool {
		name, _, ok := strings.Cut(line, ` "`)
		return !ok || !names[name] || strings.HasSuffix(line, ` "";`)
	})
	ours = slices.DeleteFunc(ours, func(line string) bool { return strings.HasSuffix(line, ` "";`) })
	slices.Sort(ours)
	slices.Sort(theirs)
	if slices.Equal(ours, theirs) {
		return ""
	}
	return cmp.Diff(theirs, ours)
}
