package report

import (
	"io"

	"seawall/agent/look"
	"seawall/agent/report/sheet"
)

// Document writes a look as one object (docs/check.schema.json).
func Document(w io.Writer, s *sheet.Sheet) error { return JSON(w, s.Document()) }

// Lines writes a look as one object to a line, each a result that says itself whose it
// is.
func Lines(w io.Writer, s *sheet.Sheet) error {
	for i := range s.Results {
		info := s.Info(s.Results[i].Check)
		line := struct {
			Host   string `json:"host"`
			Family string `json:"family"`
			Title  string `json:"title"`
			sheet.Result
		}{s.Host.Name, info.Family, info.Title, s.Result(&s.Results[i])}
		if err := Line(w, line); err != nil {
			return err
		}
	}
	return nil
}

// JSON writes v, indented.
func JSON(w io.Writer, v any) error { return look.JSON(w, v) }

// Line writes v as JSON on one line.
func Line(w io.Writer, v any) error { return look.Line(w, v) }
