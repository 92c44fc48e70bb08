package role

import "testing"

func TestParse(t *testing.T) {
	for r := Viewer; r <= Admin; r++ {
		if Parse(r.String()) != r {
			t.Errorf("%s is parsed as %s", r, Parse(r.String()))
		}
	}
	// What is no account's role may nothing.
	for _, word := range []string{"", "anybody", "local", "Admin", "root"} {
		if Parse(word) != Anybody {
			t.Errorf("%q is parsed as %s", word, Parse(word))
		}
	}
	if Role(-1).String() != "anybody" || Role(99).String() != "admin" {
		t.Error("roles out of range have odd words")
	}
}
