package posture

import (
	"context"
	"net/url"
	"slices"

	"seawall/collector/fleet"
)

// named is what names a result.
type named struct {
	Host            fleet.HostID
	Check, Resource string
}

// cares are what people decided about bad results; nil where there are no pages on
// which they do.
type cares map[named]fleet.Care

// cares returns what people decided about results, of one check or, where that is
// empty, of all.
func (s *Pages) cares(ctx context.Context, check string, states []fleet.State) (cares, error) {
	if s.config.Waived == nil {
		return nil, nil
	}
	var ids []fleet.HostID
	seen := make(map[fleet.HostID]bool)
	for i := range states {
		if id := states[i].Host; states[i].Result.Status.Bad() && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	all := make(cares)
	for part := range slices.Chunk(ids, fleet.MaxPage) {
		found, err := s.config.Waived.Decisions(ctx, check, part)
		if err != nil {
			return nil, err
		}
		for _, d := range found {
			all[named{d.Host, d.Check, d.Resource}] = d
		}
	}
	return all, nil
}

// decided adds to an item what people decided, and where they do.
func (d cares) decided(it *item) {
	r := &it.State.Result
	if d == nil || !r.Status.Bad() {
		return
	}
	it.Finding = "/hosts/" + string(it.State.Host) + "/finding?" + url.Values{"check": {r.Check}, "resource": {r.Resource}}.Encode()
	it.Decision = d[named{it.State.Host, r.Check, r.Resource}]
}
