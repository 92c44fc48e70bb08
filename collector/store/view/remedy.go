package view

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store/sqlite"
	"seawall/collector/store/view/pick"
	"seawall/collector/store/view/row"
)

const (
	// maxTexts bounds the texts of one check that are read, those of most hosts first: a
	// version of the agent and a family of distributions make one.
	maxTexts = 64
	// maxRemedies bounds the remedies of one check.
	maxRemedies = 12
)

// remedies returns how the hosts of a scope are told to mend what a check finds, as it was
// at most half a minute ago; nothing where that is the same on all hosts of the fleet.
// Callers must not change it.
func (v *View) remedies(ctx context.Context, check string, scope []string) ([]fleet.Remedy, error) {
	all, err := v.fixes.Of(append([]string{check}, scope...), func() ([]fleet.Remedy, error) { return v.remediesNow(ctx, check, scope) })
	if err != nil {
		return nil, fmt.Errorf("read remedies of check %q: %w", check, sqlite.Classify(err))
	}
	return all, nil
}

func (v *View) remediesNow(ctx context.Context, check string, scope []string) ([]fleet.Remedy, error) {
	texts := make(map[string]string) // by hash
	distinct := make(map[string]*fleet.Remedy)
	err := db.Each(ctx, v.db, func(scan func(...any) error) error {
		var hash []byte
		info, err := row.Info(func(to ...any) error { return scan(append(to, &hash)...) })
		texts[string(hash)] = info.Remediation
		distinct[info.Remediation] = &fleet.Remedy{Text: info.Remediation}
		return err
	}, "SELECT check_id, body, hash FROM info WHERE check_id = ? ORDER BY hosts DESC, hash LIMIT ?", check, maxTexts)
	if err != nil || len(distinct) < 2 {
		return nil, err
	}
	err = v.told(ctx, check, scope, func(hash []byte, system fleet.Facet) {
		if text, ok := texts[string(hash)]; ok {
			add(distinct[text], system)
		}
	})
	if err != nil {
		return nil, err
	}
	var all []fleet.Remedy
	for _, r := range distinct {
		if r.Hosts == 0 { // those of other scopes
			continue
		}
		slices.SortFunc(r.Systems, func(a, b fleet.Facet) int {
			return cmp.Or(cmp.Compare(b.Hosts, a.Hosts), strings.Compare(a.Value, b.Value))
		})
		all = append(all, *r)
	}
	slices.SortFunc(all, func(a, b fleet.Remedy) int {
		return cmp.Or(cmp.Compare(b.Hosts, a.Hosts), strings.Compare(a.Text, b.Text))
	})
	return all[:min(maxRemedies, len(all))], nil
}

// add counts hosts with a system among those that are told a remedy.
func add(r *fleet.Remedy, system fleet.Facet) {
	r.Hosts += system.Hosts
	n := slices.IndexFunc(r.Systems, func(f fleet.Facet) bool { return f.Value == system.Value })
	if n < 0 {
		r.Systems = append(r.Systems, system)
		return
	}
	r.Systems[n].Hosts += system.Hosts
}

// told calls have with each text of a check that hosts of a scope have, and how many of
// them with which system. Each host's text is looked up by its key: there is no index of
// hosts by check, and reading what all of them have of all checks would take longer.
func (v *View) told(ctx context.Context, check string, scope []string, have func(hash []byte, system fleet.Facet)) error {
	var c pick.Condition
	c.And("h.archived = 0")
	if err := c.Scope("h.host", scope); err != nil {
		return err
	}
	return db.Each(ctx, v.db, func(scan func(...any) error) error {
		var hash []byte
		var system fleet.Facet
		err := scan(&hash, &system.Value, &system.Hosts)
		have(hash, system)
		return err
	}, `SELECT x.hash, x.os, count(*) FROM (
		SELECT (SELECT i.hash FROM host_info i WHERE i.host = h.host AND i.check_id = ?) AS hash,
			coalesce((SELECT l.os FROM host_label l WHERE l.host = h.host), '') AS os
		FROM host h WHERE `+c.Text+") x GROUP BY x.hash, x.os", append([]any{check}, c.Args...)...)
}
