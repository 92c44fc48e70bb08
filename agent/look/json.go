package look

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"seawall/pkg/text"
)

// JSON writes v, indented. Characters that steer a terminal are escaped, those
// included that JSON itself lets through.
func JSON(w io.Writer, v any) error { return encode(w, v, "  ") }

// Line writes v as JSON on one line.
func Line(w io.Writer, v any) error { return encode(w, v, "") }

func encode(w io.Writer, v any, indent string) error {
	out := &escaper{bufio.NewWriter(w)}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encode JSON: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// escaper escapes what is written to it. An encoder writes its JSON at once, so that
// no rune is divided.
type escaper struct{ *bufio.Writer }

func (e *escaper) Write(in []byte) (int, error) {
	for i := 0; i < len(in); {
		n := 1
		for i+n < len(in) && in[i] < 0x7f && in[i+n] < 0x7f {
			n++
		}
		if in[i] >= 0x7f {
			_, n = utf8.DecodeRune(in[i:])
		}
		e.put(in[i : i+n])
		i += n
	}
	return len(in), nil
}

// put writes a run of ASCII, or one other character: what text.Terminal would replace
// as JSON's \u escapes. Outside of strings JSON has ASCII alone. An error stays in the
// writer until it is flushed.
func (e *escaper) put(part []byte) {
	r, _ := utf8.DecodeRune(part)
	if r < 0x7f || r >= utf8.RuneSelf && text.Terminal(string(r)) == string(r) {
		_, _ = e.Writer.Write(part)
		return
	}
	for _, u := range utf16.Encode([]rune{r}) {
		fmt.Fprintf(e.Writer, `\u%04x`, u)
	}
}
