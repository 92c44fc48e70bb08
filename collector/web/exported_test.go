package web_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestExportIsRecorded: whoever takes hosts as a file is written down before, and gets none
// where that cannot be.
func TestExportIsRecorded(t *testing.T) {
	c := withRoles(config(demoFleet(demoNow)))
	var told []string
	var full error
	c.Exported = func(_ context.Context, who, what string) error {
		told = append(told, who+" "+what)
		return full
	}
	b := open(t, newServer(t, c))
	b.loginAs("viewer")
	for _, path := range []string{"/hosts/export", "/hosts/export?format=json&q=web", "/hosts/export?format=exe"} {
		b.get(path)
	}
	full = errors.New("the disk is full")
	if a := b.get("/hosts/export"); a.code != http.StatusServiceUnavailable && a.code != http.StatusInternalServerError {
		t.Errorf("not written down: %d %s", a.code, a.body)
	}
	if diff := cmp.Diff([]string{"viewer hosts", "viewer hosts?format=json&q=web", "viewer hosts"}, told); diff != "" {
		t.Error(diff)
	}
}
