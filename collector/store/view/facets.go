package view

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store/view/pick"
)

const (
	maxFacet = 100

	// What hosts can be filtered by is counted over all of them, and changes seldom: it
	// is kept for facetsFor, for maxScopes scopes.
	facetsFor = 10 * time.Second
	maxScopes = 64
)

// facets keeps what was counted.
type facets struct {
	mu  sync.Mutex
	now func() time.Time
	of  map[string]counted // by scope
}

type counted struct {
	fleet.Facets
	until time.Time
}

// get returns what was counted for a scope, if that is not too long ago.
func (f *facets) get(scope string) (fleet.Facets, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, ok := f.of[scope]
	return c.Facets, ok && f.now().Before(c.until)
}

// put keeps what was counted for a scope. All others are dropped when there are too many.
func (f *facets) put(scope string, what fleet.Facets) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of == nil || len(f.of) >= maxScopes {
		f.of = make(map[string]counted)
	}
	f.of[scope] = counted{what, f.now().Add(facetsFor)}
}

// tagged has the tags of hosts, each once for a host. Few of the tags that hosts give
// themselves are given by people, too.
const tagged = `(SELECT host, tag FROM host_tag UNION ALL SELECT t.host, t.tag FROM host_told t
	WHERE t.tag NOT IN (SELECT tag FROM host_tag)
	OR NOT EXISTS (SELECT 1 FROM host_tag g WHERE g.host = t.host AND g.tag = t.tag)) x`

// Facets returns what hosts of a scope can be filtered by, as it was at most ten seconds
// ago. Callers must not change it.
func (v *View) Facets(ctx context.Context, scope []string) (fleet.Facets, error) {
	key := strings.Join(scope, "\x00") // no tag has such a byte
	if f, ok := v.facets.get(key); ok {
		return f, nil
	}
	f, err := v.count(ctx, scope)
	if err == nil {
		v.facets.put(key, f)
	}
	return f, err
}

// count counts what hosts of a scope can be filtered by.
func (v *View) count(ctx context.Context, scope []string) (f fleet.Facets, err error) {
	tx, err := v.begin(ctx)
	if err != nil {
		return f, fmt.Errorf("read facets: %w", err)
	}
	defer tx.end()
	for _, kind := range []struct {
		to    *[]fleet.Facet
		value string
		from  string
	}{
		{&f.OS, "x.os", "host_label x"},
		{&f.Regions, "x.region", "host_label x"},
		{&f.Tags, "x.tag", tagged},
	} {
		var s pick.Condition
		s.And(kind.value + " <> '' AND x.host NOT IN (SELECT host FROM host WHERE archived <> 0)")
		if err := s.Scope("x.host", scope); err != nil {
			return f, fmt.Errorf("read facets: %w", err)
		}
		err := db.Each(ctx, tx, func(scan func(...any) error) error {
			var value fleet.Facet
			err := scan(&value.Value, &value.Hosts)
			*kind.to = append(*kind.to, value)
			return err
		}, "SELECT "+kind.value+" AS value, count(*) AS hosts FROM "+kind.from+" WHERE "+s.Text+
			" GROUP BY "+kind.value+" ORDER BY hosts DESC, value LIMIT ?", append(s.Args, maxFacet)...)
		if err != nil {
			return f, fmt.Errorf("read facets: %w", err)
		}
	}
	return f, nil
}
