package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReads: what a check reads is said in paths of facts where that can be.
func TestReads(t *testing.T) {
	for body, want := range map[string][]string{
		`pass: door.color == "red"`: {"", `door.color == "red"`},
		"over: door.locks.filter(l, l.turns > 0)\nlet:\n  n: it.name\n  b: size(it.broken)\npass: n != \"\" && b == 0 && it.file != \"\" && door.color != \"it\"": {
			"size(it.broken)", `door.locks[].name != "" && b == 0 && door.locks[].file != "" && door.color != "it"`},
		"let:\n  c: door.names['a']\npass: c == \"x\"":                       {"", `door.names['a'] == "x"`},
		"over: door.locks.filter(l, l.turns < 1)\neach: true\npass: 'false'": {"door.locks.filter(l, l.turns < 1)", "false"},
	} {
		p, err := Load(house{}, one(body))
		if err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		got := p.Checks()[0].Reads
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", body, diff)
		}
	}
}
