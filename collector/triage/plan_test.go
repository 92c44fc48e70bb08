package triage

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"seawall/collector/db"
)

// What is bad of a check is read in the order of its index, so that a page costs what it
// shows, however many hosts there are.
func TestFindingsOfPlan(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "x.db"))
	for _, scope := range [][]string{nil, {"env=prod"}} {
		text, args := findingsOf(noon, "files", scope, 10)
		var plan []string
		err := s.Read(t.Context(), func(q db.Querier) error {
			return db.Each(context.Background(), q, func(scan func(...any) error) error {
				var step string
				err := scan(new(int), new(int), new(int), &step)
				plan = append(plan, step)
				return err
			}, "EXPLAIN QUERY PLAN "+text, args...)
		})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(plan, func(step string) bool { return strings.Contains(step, "state_bad (check_id=?") }) ||
			slices.ContainsFunc(plan, func(step string) bool { return step == "SCAN h" || step == "SCAN l" || step == "SCAN t" }) {
			t.Errorf("scope %v: the plan is\n%s", scope, strings.Join(plan, "\n"))
		}
	}
}
