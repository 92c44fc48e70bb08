package posture

import (
	"embed"
	"html/template"
	"strings"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/web/frame"
	"seawall/collector/web/list"
	"seawall/collector/web/pending"
)

//go:embed templates/*.html
var files embed.FS

// templates parses the pages' templates.
func templates() (*frame.Templates, error) {
	return frame.Parse(files, template.FuncMap{
		"called": title,
		"label":  label,
		"from":   func(now time.Time, g pending.Group) update { return update{now, g} },
		"badges": badges,
		"expiry": expiry,
		"score":  newScore,
		"by":     newColumn,
	}, "overview", "hosts", "host", "checks", "check")
}

// label returns the words for why an upgrade does not just install a fix.
func label(s string) string {
	switch s {
	case "esm not enabled":
		return "ESM not enabled"
	case "masked": // an upgrade installs something newer
		return "Superseded"
	}
	return strings.ToUpper(s[:min(1, len(s))]) + s[min(1, len(s)):]
}

// score is a share of results that pass, where there is one.
type score struct {
	Percent int
	Known   bool
}

func newScore(c fleet.Counts) score {
	percent, ok := c.Score()
	return score{percent, ok}
}

// column is a heading by which a list of hosts is put in order.
type column struct{ Link, Label, Is string }

func newColumn(q list.HostFilter, sort, label string) column {
	return column{q.By(sort), label, q.Is(sort)}
}
