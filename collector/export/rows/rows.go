// Package rows writes tables for programs: CSV that no spreadsheet runs, and JSON, one
// object to a line.
//
// Cells and fields hold text of hosts. In CSV every cell is quoted; what could steer a
// terminal, break a line or reorder text is escaped as package text does; and a cell that
// a spreadsheet would take for a formula begins with an apostrophe, as OWASP's page on
// CSV injection says: it is then text in every one of them. In JSON the same characters
// are \u escapes, so that a line shown on a terminal does nothing, and a program that
// reads it has the text as it was.
package rows

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"seawall/pkg/text"
)

// CSV writes a table as RFC 4180 has it, in UTF-8, lines ended by CR LF. It keeps
// nothing back: give it a writer with a buffer.
type CSV struct {
	w     io.Writer
	line  []byte
	width int
}

// NewCSV returns a CSV after writing the line of heads.
func NewCSV(w io.Writer, heads ...string) (*CSV, error) {
	c := &CSV{w: w, width: len(heads)}
	return c, c.Row(heads...)
}

// Row writes one line. It must have as many cells as there are heads.
func (c *CSV) Row(cells ...string) error {
	if len(cells) != c.width {
		return fmt.Errorf("write CSV: a row of %d cells under %d heads", len(cells), c.width)
	}
	c.line = c.line[:0]
	for i, cell := range cells {
		if i > 0 {
			c.line = append(c.line, ',')
		}
		c.line = append(c.line, '"')
		c.line = append(c.line, strings.ReplaceAll(Cell(cell), `"`, `""`)...)
		c.line = append(c.line, '"')
	}
	c.line = append(c.line, '\r', '\n')
	if _, err := c.w.Write(c.line); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

// Cell returns s as a cell of a table, without quotes: escaped, and never a formula.
func Cell(s string) string {
	out := text.Terminal(s)
	if begins(s) || begins(out) {
		out = "'" + out
	}
	if strings.ContainsRune(out, ';') { // where lists have commas, this is what parts cells
		out = parted(out)
	}
	return out
}

// begins reports whether a spreadsheet takes a cell for a formula. It may pass over
// blanks, and its full-width forms are the same to some.
func begins(s string) bool {
	if s != "" && (s[0] == '\t' || s[0] == '\r') {
		return true
	}
	s = strings.TrimLeftFunc(s, unicode.IsSpace)
	if s == "" {
		return false
	}
	r, _ := utf8.DecodeRuneInString(s)
	return strings.ContainsRune("=+-@＝＋－＠", r)
}

// parted does for each part between semicolons what [Cell] does for the whole.
func parted(s string) string {
	parts := strings.Split(s, ";")
	for i := 1; i < len(parts); i++ {
		if begins(parts[i]) {
			parts[i] = "'" + parts[i]
		}
	}
	return strings.Join(parts, ";")
}

// Line writes v as JSON and a line feed, in one call of Write.
func Line(w io.Writer, v any) error {
	line, err := JSON(v)
	if err != nil {
		return err
	}
	if _, err := w.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// JSON encodes v on one line, without a line feed.
func JSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode JSON: %w", err)
	}
	return Plain(bytes.TrimSuffix(b.Bytes(), []byte{'\n'})), nil
}

// Plain returns JSON with every character escaped that could steer what shows it. Such
// characters stand in JSON only within strings, where an escape means the same.
func Plain(in []byte) []byte {
	i := bytes.IndexFunc(in, steers)
	if i < 0 {
		return in
	}
	out := append(make([]byte, 0, len(in)+64), in[:i]...)
	for i < len(in) {
		r, n := utf8.DecodeRune(in[i:])
		switch {
		case !steers(r):
			out = append(out, in[i:i+n]...)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		i += n
	}
	return out
}

// steers reports whether [text.Terminal] would escape r. What JSON is made of it leaves.
func steers(r rune) bool {
	if r >= ' ' && r < 0x7f {
		return false
	}
	return r != '\n' && text.Terminal(string(r)) != string(r)
}
