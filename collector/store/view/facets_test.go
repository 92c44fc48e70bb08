package view

import (
	"fmt"
	"testing"
	"time"

	"seawall/collector/fleet"
)

// What was counted is kept for a while, for its scope alone, and never for many scopes.
func TestFacetsKept(t *testing.T) {
	v := fleetOf(t)
	now := time.Unix(1000, 0)
	v.facets.now = func() time.Time { return now }
	regions := func(scope ...string) (n int) {
		t.Helper()
		f, err := v.Facets(t.Context(), scope)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range f.Regions {
			n += r.Hosts
		}
		return n
	}
	before, given := regions(), regions("other")
	if before <= given || given == 0 {
		t.Fatalf("%d hosts have a region, %d of a scope", before, given)
	}
	v.facets.put("", fleet.Facets{}) // stands for what was counted before all hosts had gone
	if n := regions(); n != 0 {
		t.Errorf("%d hosts are counted again at once", n)
	}
	if n := regions("other"); n != given {
		t.Errorf("%d hosts of a scope, want %d", n, given)
	}
	now = now.Add(facetsFor)
	if n := regions(); n != before {
		t.Errorf("%d hosts after a while, want %d", n, before)
	}
	for i := range 3 * maxScopes {
		regions(fmt.Sprint("tag-", i))
	}
	if n := len(v.facets.of); n > maxScopes {
		t.Errorf("%d scopes are kept", n)
	}
}

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
