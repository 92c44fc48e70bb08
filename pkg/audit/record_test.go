package audit

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// Words are as long as they are by looking at each byte.
func TestWord(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	near := []byte{' ', ' ' - 1, ' ' + 1, ' ' | 0x80, 0, 1, 0x80, 0xff, 'a'}
	for range 20_000 {
		b := make([]byte, r.IntN(60))
		for i := range b {
			if b[i] = near[1+r.IntN(len(near)-1)]; r.IntN(30) == 0 {
				b[i] = ' '
			}
		}
		want := bytes.IndexByte(b, ' ')
		if want < 0 {
			want = len(b)
		}
		if got := word(b); got != want {
			t.Fatalf("%q: %d, want %d", b, got, want)
		}
	}
}

func TestNextField(t *testing.T) {
	for text, want := range map[string]string{
		`a=1 bb=22`:                              "a:1|bb:22|",
		`  lone words  a=1   b= c="x y" d="z`:    `a:1|b:|c:"x y"|d:"z|`,
		`=1 x=`:                                  ":1|x:|",
		`ses=3op=remove_rule res=1`:              "ses:3|op:remove_rule|res:1|",
		`a=0123456789012345678901234567890 b=1`:  "a:0123456789012345678901234567890|b:1|",
		`a=01234567 b=0123456789abcdef c=1 word`: "a:01234567|b:0123456789abcdef|c:1|",
		`nothing here`:                           "",
	} {
		var got []byte
		rest := []byte(text)
		for {
			key, value, more, ok := NextField(rest)
			if !ok {
				break
			}
			rest = more
			got = append(append(append(append(got, key...), ':'), value...), '|')
		}
		if string(got) != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
