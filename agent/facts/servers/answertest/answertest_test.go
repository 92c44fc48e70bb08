package answertest

import (
	"testing"

	"seawall/agent/facts/servers/answer"
	"seawall/pkg/finding"
)

func TestShow(t *testing.T) {
	all := []answer.Answer{{Name: "a", Reason: "no file"}, {Name: "b", Known: true, Reason: "by default"}, {Name: "c", Known: true, Allowed: true, Reason: "x on"}}
	all[2].Places = append(all[2].Places, finding.Evidence{File: "/n", Line: 2}, finding.Evidence{File: "/m", Line: 1})
	if got, want := Show(all...), "a: unknown: no file\nb: closed: by default\nc: open: x on @/n:2 @/m:1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
