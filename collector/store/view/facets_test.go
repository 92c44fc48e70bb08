package view

import (
	"testing"
)

// No two scopes share what is kept.
func TestFacetsOfScopes(t *testing.T) {
	v := fleetOf(t)
	one, err := v.Facets(t.Context(), []string{"given"})
	if err != nil {
		t.Fatal(err)
	}
	both, err := v.Facets(t.Context(), []string{"given", "other"})
	if err != nil {
		t.Fatal(err)
	}
	none, err := v.Facets(t.Context(), []string{"given other"})
	if err != nil || len(none.Regions) > 0 || len(both.Tags) < len(one.Tags) || both.Tags[0].Hosts <= one.Tags[0].Hosts {
		t.Errorf("%+v, %+v, %+v, %v", one, both, none, err)
	}
}
