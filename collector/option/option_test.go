package option

import (
	"log/slog"
	"slices"
	"testing"
)

func TestChoice(t *testing.T) {
	c := Choice{Value: "auto", Words: []string{"auto", "on", "off"}}
	if err := c.Set("on"); err != nil || c.String() != "on" || c.Type() != "word" {
		t.Errorf("%+v, %v", c, err)
	}
	for _, wrong := range []string{"", "ON", "on ", "yes"} {
		if err := c.Set(wrong); err == nil || c.Value != "on" {
			t.Errorf("%q: %+v, %v", wrong, c, err)
		}
	}
}

func TestList(t *testing.T) {
	for text, want := range map[string][]string{"": nil, "a": {"a"}, " a , b,,c ,": {"a", "b", "c"}} {
		l := List{"left over"}
		if err := l.Set(text); err != nil || !slices.Equal(l, want) || l.Type() != "names" {
			t.Errorf("%q: %q, %v", text, l, err)
		}
		again := List{}
		if err := again.Set(l.String()); err != nil || !slices.Equal(again, l) {
			t.Errorf("%q is not what it says: %q", l.String(), again)
		}
	}
}

func TestLevel(t *testing.T) {
	var l Level
	if err := l.Set("warn"); err != nil || l.Level != slog.LevelWarn || l.String() != "warn" || l.Type() != "level" {
		t.Errorf("%+v, %v", l, err)
	}
	if err := l.Set("loud"); err == nil {
		t.Error("loud is a level")
	}
}
