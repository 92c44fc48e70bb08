package outbox

import (
	"encoding/json"
	"fmt"
	"time"

	"seawall/collector/alert"
	"seawall/collector/db"
	"seawall/pkg/finding"
)

// Try puts a message into a route that says who asked for it, and returns its id.
func Try(w db.Writer, now time.Time, route, who string) (string, error) {
	m := alert.Compose(NewID(), "test", now, []alert.Signal{}, 0)
	m.Test, m.Severity = true, finding.SeverityInformational
	m.Summary = "Test of the route " + route + ", asked for by " + who
	body, err := json.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("encode message: %w", err)
	}
	return Put(w, now, Item{ID: m.ID, Route: route, Kind: alert.KindMessage, Type: "application/json",
		Title: m.Summary, Rule: "test", Body: body})
}
