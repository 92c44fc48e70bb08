package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// Result is a result as JSON has it.
type Result struct {
	finding.Result
	Remediation string `json:"remediation"`
}

// NewResult puts the check's remediation to a result. Evidence is never nil, so
// that JSON has a list.
func NewResult(r finding.Result, remediation string) Result {
	if r.Evidence == nil {
		r.Evidence = []finding.Evidence{}
	}
	return Result{r, remediation}
}

// Results writes {"results": […]}.
func Results(w io.Writer, results []finding.Result, checks []finding.CheckInfo) error {
	fix := map[string]string{}
	for _, c := range checks {
		fix[c.ID] = c.Remediation
	}
	list := make([]Result, 0, len(results))
	for _, r := range results {
		list = append(list, NewResult(r, fix[r.Check]))
	}
	return JSON(w, struct {
		Results []Result `json:"results"`
	}{list})
}

// JSON writes v, indented. Characters that steer a terminal are escaped, those
// included that JSON itself lets through.
func JSON(w io.Writer, v any) error { return encode(w, v, "  ") }

// Line writes v as JSON on one line.
func Line(w io.Writer, v any) error { return encode(w, v, "") }

func encode(w io.Writer, v any, indent string) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encode JSON: %w", err)
	}
	if _, err := w.Write(escape(b.Bytes())); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// escape replaces what text.Terminal would by JSON's \u escapes. Outside of
// strings JSON has ASCII alone.
func escape(in []byte) []byte {
	var out []byte
	for i := 0; i < len(in); {
		r, n := utf8.DecodeRune(in[i:])
		if r >= utf8.RuneSelf && text.Terminal(string(r)) != string(r) || r == 0x7f {
			for _, u := range utf16.Encode([]rune{r}) {
				out = fmt.Appendf(out, `\u%04x`, u)
			}
		} else {
			out = append(out, in[i:i+n]...)
		}
		i += n
	}
	return out
}
