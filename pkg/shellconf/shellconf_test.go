package shellconf

import (
	"os/exec"
	"strings"
	"testing"
)

const example = "# A=0\nA=1\nexport B=\"two # x\" # x\n  A=3 \nA='4'\nAB=5\nC=\nD = 6\n"

func TestLast(t *testing.T) {
	for name, want := range map[string]Setting{
		"A": {Value: "4", Set: true, File: "/f", Line: 5, Raw: "A='4'"}, "B": {Value: "two # x", Set: true, File: "/f", Line: 3, Raw: `export B="two # x" # x`},
		"C": {Set: true, File: "/f", Line: 7, Raw: "C="}, "D": {Value: "6", Set: true, File: "/f", Line: 8, Raw: "D = 6"}, "E": {},
	} {
		if got := Last("/f", []byte(example), name); got != want {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}

// TestShell compares with a real shell where that takes the lines as they are.
func TestShell(t *testing.T) {
	script := strings.Replace(example, "D = 6\n", "", 1)
	for _, name := range []string{"A", "B", "C", "AB"} {
		out, err := exec.Command("sh", "-c", script+"\nprintf %s \"$"+name+"\"").Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := Last("/f", []byte(script), name).Value; got != string(out) {
			t.Errorf("%s: got %q, the shell has %q", name, got, out)
		}
	}
}

func FuzzLast(f *testing.F) {
	f.Add(example, "A")
	f.Add("x='\ny=\"\"\"\nexport =", "")
	f.Fuzz(func(t *testing.T, s, name string) {
		if got := Last("/f", []byte(s), name); got.Set && (got.Line < 1 || got.Line > 1+strings.Count(s, "\n")) {
			t.Errorf("%+v", got)
		}
	})
}
