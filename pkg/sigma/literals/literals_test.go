package literals

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// search is Find without an automaton.
func search(list []Literal, text string) []int32 {
	var ids []int32
	text = strings.ToLower(text)
	for _, l := range list {
		found := strings.Contains(text, l.Text)
		switch {
		case l.Start && l.End:
			found = text == l.Text
		case l.Start:
			found = strings.HasPrefix(text, l.Text)
		case l.End:
			found = strings.HasSuffix(text, l.Text)
		}
		if found {
			ids = append(ids, l.ID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func find(t interface{ Fatal(...any) }, list []Literal, text string) []int32 {
	s, err := New(list)
	if err != nil {
		t.Fatal(err)
	}
	var ids []int32
	ids = s.Find([]byte(text), 1, make([]uint32, len(list)+1), ids)
	slices.Sort(ids)
	return ids
}

func TestFind(t *testing.T) {
	list := []Literal{{0, "she", false, false}, {1, "he", false, false}, {2, "hers", false, false}, {3, "/bin/", true, false}, {4, "sh", false, true},
		{5, "/bin/sh", true, true}, {6, "he", true, false}, {1, "his", false, false}, {7, "\x00", false, false}}
	for text, want := range map[string][]int32{
		"":           nil,
		"ushers":     {0, 1, 2},
		"USHERS":     {0, 1, 2},
		"/bin/sh":    {3, 4, 5},
		"/bin/sh ":   {3},
		"x/bin/sh":   {4},
		"he":         {1, 6},
		"this":       {1},
		"h\xffe\x00": {7},
	} {
		if got := find(t, list, text); !slices.Equal(got, want) || !slices.Equal(got, search(list, text)) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestFindAsPlainSearch(t *testing.T) {
	text := rapid.StringOfN(rapid.SampledFrom([]rune("abcdAB/")), 0, 30, -1)
	rapid.Check(t, func(t *rapid.T) {
		var list []Literal
		for i := range rapid.IntRange(1, 60).Draw(t, "literals") {
			list = append(list, Literal{int32(i), strings.ToLower(rapid.StringOfN(rapid.SampledFrom([]rune("abcd/")), 1, 6, -1).Draw(t, "literal")),
				rapid.Bool().Draw(t, "start"), rapid.Bool().Draw(t, "end")})
		}
		for range 10 {
			if text := text.Draw(t, "text"); !slices.Equal(find(t, list, text), search(list, text)) {
				t.Fatalf("%q: %v, want %v", text, find(t, list, text), search(list, text))
			}
		}
	})
}

func FuzzFind(f *testing.F) {
	f.Add("she,^he,hers$,^his$", "ushers")
	f.Add("a,aa,aaa,^aaaa,ab", "aaaaAab")
	f.Fuzz(func(t *testing.T, words, text string) {
		var list []Literal
		for i, word := range strings.Split(words, ",") {
			word, start := strings.CutPrefix(word, "^")
			word, end := strings.CutSuffix(word, "$")
			if word = string(Fold(nil, []byte(word))); word != "" && ASCII([]byte(word)) {
				list = append(list, Literal{int32(i), word, start, end})
			}
		}
		if !ASCII([]byte(text)) || len(text) > 4096 {
			return
		}
		s, err := New(list)
		if err != nil {
			t.Fatal(err)
		}
		got := s.Find([]byte(text), 1, make([]uint32, strings.Count(words, ",")+1), nil)
		slices.Sort(got)
		if want := search(list, text); !slices.Equal(got, want) {
			t.Errorf("%q in %q: %v, want %v", words, text, got, want)
		}
	})
}

// TestMany has more states than rows, and refuses what would be too large.
func TestMany(t *testing.T) {
	var list []Literal
	for i := range 20_000 {
		list = append(list, Literal{int32(i), fmt.Sprintf("%x-%d", i*7919, i), false, i%3 == 0})
	}
	s, err := New(list)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.next) > maxRows*int(s.columns) || s.Size() > 10<<20 {
		t.Errorf("%d entries, %d bytes", len(s.next), s.Size())
	}
	seen := make([]uint32, len(list))
	for i, l := range list {
		if s.Find([]byte("..."+strings.ToUpper(l.Text)), 1, seen, nil); seen[i] != 1 {
			t.Fatalf("%q is not found", l.Text)
		}
	}
	if _, err := New([]Literal{{0, "", false, false}}); err == nil {
		t.Error("an empty literal is taken")
	}
	if _, err := New([]Literal{{0, strings.Repeat("ab", maxStates/2) + "c", false, false}}); err == nil {
		t.Error("a literal of a million bytes is taken")
	}
}

func TestFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.String().Draw(t, "a")
		b := rapid.SampledFrom([]string{strings.ToUpper(a), strings.ToLower(a), rapid.String().Draw(t, "b")}).Draw(t, "other")
		same := bytes.Equal(Fold(nil, []byte(a)), Fold(nil, []byte(b)))
		if want := strings.EqualFold(a, b); same != want {
			t.Errorf("%q and %q: %v, want %v", a, b, same, want)
		}
	})
	for text, want := range map[string]string{"ABCz[@": "abcz[@", "\u212a\u017f": "ks", "É\xffÉ\xc3": "É\xffÉ\xc3", "é": "É", "\ufffd": "\ufffd"} {
		if got := string(Fold(nil, []byte(text))); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for r := range rune(utf8.MaxRune) {
		if text := string(r); len(Fold(nil, []byte(text))) > len(text) {
			t.Fatalf("%q grows", r)
		}
	}
}

func TestASCII(t *testing.T) {
	for n := range 20 {
		text := bytes.Repeat([]byte("x"), n)
		if !ASCII(text) {
			t.Errorf("%d letters are not ASCII", n)
		}
		for i := range text {
			text[i] = 0x80
			if ASCII(text) {
				t.Errorf("byte %d of %d is missed", i, n)
			}
			text[i] = 'x'
		}
	}
}

func BenchmarkFind(b *testing.B) {
	var list []Literal
	for i := range 500 {
		list = append(list, Literal{int32(i), fmt.Sprintf("/usr/%d/bin%d", i*31%97, i), false, false})
	}
	s, err := New(list)
	if err != nil {
		b.Fatal(err)
	}
	seen, ids := make([]uint32, len(list)), make([]int32, 0, len(list))
	text := []byte(strings.Repeat("gcc -O2 -I/usr/include -c /usr/src/main.c ", 10))
	b.SetBytes(int64(len(text)))
	mark := uint32(0)
	for b.Loop() {
		mark++
		s.Find(text, mark, seen, ids)
	}
}
