package literals

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"
)

// ASCII reports whether a text is ASCII, so that Find takes it as it is.
func ASCII(text []byte) bool {
	for len(text) >= 8 {
		if binary.LittleEndian.Uint64(text)&0x8080808080808080 != 0 {
			return false
		}
		text = text[8:]
	}
	for _, c := range text {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Fold appends a text to dst in which one character stands for all that differ in
// case only, by Unicode's simple folding: the lower-case letter of ASCII if there is
// one (so "K", the sign of Kelvin, becomes "k"), otherwise the first in Unicode.
// Bytes that are no UTF-8 stay as they are. The result is never longer than the text.
func Fold(dst, text []byte) []byte {
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			if c >= 'A' && c <= 'Z' {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size <= 1 {
			dst = append(dst, c)
			i++
			continue
		}
		dst = utf8.AppendRune(dst, foldRune(r))
		i += size
	}
	return dst
}

// foldRune goes through all characters that differ from r in case only; Unicode orders
// them in a ring.
func foldRune(r rune) rune {
	least := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	if least >= 'A' && least <= 'Z' {
		least += 'a' - 'A'
	}
	return least
}
