// Package pattern holds texts with wildcards as Sigma has them: taking them apart,
// encoding them, and matching with them. In a text "*" stands for any text and "?"
// for one character; a backslash before them or before itself takes away that
// meaning.
package pattern

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Piece is a part of a pattern: text, or with Wild '*' any text, with '?' one
// character (or one byte that is no UTF-8). Two stars never follow each other, nor
// do two texts.
type Piece struct {
	Text string
	Wild byte
}

// Split splits text at its wildcards.
func Split(text string) []Piece {
	var list []Piece
	var lit strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '\\':
			if i+1 < len(text) && strings.IndexByte(`\*?`, text[i+1]) >= 0 {
				i++
			}
			lit.WriteByte(text[i])
		case '*', '?':
			list = append(list, Piece{Text: lit.String()}, Piece{Wild: c})
			lit.Reset()
		default:
			lit.WriteByte(c)
		}
	}
	return Join(append(list, Piece{Text: lit.String()}))
}

// Join drops what is empty and stars that follow stars, and joins texts.
func Join(list []Piece) []Piece {
	var out []Piece
	for _, p := range list {
		last := len(out) - 1
		switch {
		case p.Wild == 0 && p.Text == "":
		case p.Wild == '*' && last >= 0 && out[last].Wild == '*':
		case p.Wild == 0 && last >= 0 && out[last].Wild == 0:
			out[last].Text += p.Text
		default:
			out = append(out, p)
		}
	}
	return out
}

// Encode applies an encoding, named as Sigma names it, to all forms of a value: base64,
// base64offset, wide, utf16le, utf16be, utf16 or windash.
func Encode(name string, forms [][]Piece) ([][]Piece, error) {
	var out [][]Piece
	for _, form := range forms {
		if name == "windash" {
			dashed, err := windash(form)
			if err != nil {
				return nil, err
			}
			out = append(out, dashed...)
			continue
		}
		if len(form) != 1 || form[0].Wild != 0 {
			return nil, fmt.Errorf("%s takes a text that is not empty and has no wildcards; write \\* for a star", name)
		}
		for _, text := range encode(name, form[0].Text) {
			if text == "" {
				return nil, fmt.Errorf("%s: the text is too short to leave anything that is always the same", name)
			}
			out = append(out, []Piece{{Text: text}})
		}
	}
	return out, nil
}

// encode returns the forms of a text. base64offset leaves out what depends on the bytes
// around the text: at each of three places that it can have in groups of three bytes,
// the characters that hold bits of its neighbours.
func encode(name, text string) []string {
	switch name {
	case "base64":
		return []string{base64.StdEncoding.EncodeToString([]byte(text))}
	case "base64offset":
		var forms []string
		for shift := range 3 {
			full := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", shift) + text))
			from := []int{0, 2, 3}[shift]
			to := len(full) - []int{0, 3, 2}[(len(text)+shift)%3]
			forms = append(forms, full[min(from, to):to])
		}
		return forms
	}
	var b []byte
	if name == "utf16" {
		b = append(b, 0xff, 0xfe)
	}
	for _, u := range utf16.Encode([]rune(text)) {
		if name == "utf16be" {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return []string{string(b)}
}

// maxDashes bounds the forms of a text: 5 to the power of it.
const maxDashes = 3

// windash returns a text with each dash or slash that begins a word in all forms.
func windash(form []Piece) ([][]Piece, error) {
	forms, dashes := [][]Piece{nil}, 0
	each := func(p Piece) {
		for i := range forms {
			forms[i] = append(forms[i], p)
		}
	}
	for _, p := range form {
		if p.Wild != 0 {
			each(p)
			continue
		}
		from, before := 0, ' '
		for i, c := range p.Text {
			next, _ := utf8.DecodeRuneInString(p.Text[i+utf8.RuneLen(c):])
			if isDash(c) && !isWord(before) && i+utf8.RuneLen(c) < len(p.Text) && isWord(next) {
				if dashes++; dashes > maxDashes {
					return nil, fmt.Errorf("windash: more than %d dashes that begin a word; split the text into several with all", maxDashes)
				}
				each(Piece{Text: p.Text[from:i]})
				forms = cross(forms)
				from = i + utf8.RuneLen(c)
			}
			before = c
		}
		each(Piece{Text: p.Text[from:]})
	}
	for i := range forms {
		forms[i] = Join(forms[i])
	}
	return forms, nil
}

// cross returns all forms with each of the dashes behind them.
func cross(forms [][]Piece) [][]Piece {
	var out [][]Piece
	for _, f := range forms {
		for _, dash := range []string{"-", "/", "–", "—", "―"} {
			out = append(out, append(slices.Clone(f), Piece{Text: dash}))
		}
	}
	return out
}

// isDash and isWord say what windash takes for a dash and for a part of a word.
func isDash(c rune) bool { return strings.ContainsRune("-/–—―", c) }

func isWord(c rune) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80 && !isDash(c)
}
