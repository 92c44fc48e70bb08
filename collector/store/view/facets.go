package view

import (
	"context"
	"fmt"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store/view/pick"
)

const maxFacet = 100

// tagged has the tags of hosts, each once for a host. Few of the tags that hosts give
// themselves are given by people, too.
const tagged = `(SELECT host, tag FROM host_tag UNION ALL SELECT t.host, t.tag FROM host_told t
	WHERE t.tag NOT IN (SELECT tag FROM host_tag)
	OR NOT EXISTS (SELECT 1 FROM host_tag g WHERE g.host = t.host AND g.tag = t.tag)) x`

// Facets returns what hosts of a scope can be filtered by.
func (v *View) Facets(ctx context.Context, scope []string) (f fleet.Facets, err error) {
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
