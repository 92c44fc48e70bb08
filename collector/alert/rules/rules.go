// Package rules keeps the rules by which people are told.
//
// What changes is done in the caller's transaction, so that its trail has it exactly
// when it happened.
package rules

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"seawall/collector/alert"
	"seawall/collector/db"
)

// ErrTaken is returned by [Save] for a name that another rule has.
var ErrTaken = errors.New("another rule has this name")

// Max is how many rules there may be.
const Max = 200

// List returns all rules by name.
func List(ctx context.Context, data db.DB) (all []alert.Rule, err error) {
	err = data.Read(ctx, func(q db.Querier) error {
		all = nil
		return db.Each(ctx, q, func(scan func(...any) error) error {
			r, err := scanRule(scan)
			all = append(all, r)
			return err
		}, "SELECT id, body FROM alert_rule ORDER BY name")
	})
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	return all, nil
}

// Within returns the rules that can tell of a host which who sees only hosts with the tags of
// a scope sees, with those of their tags that are in it. An empty scope is all hosts.
func Within(all []alert.Rule, scope []string) []alert.Rule {
	if len(scope) == 0 {
		return all
	}
	var some []alert.Rule
	for _, r := range all {
		if len(r.Tags) > 0 {
			outside := func(tag string) bool { return !slices.Contains(scope, tag) }
			if r.Tags = slices.DeleteFunc(slices.Clone(r.Tags), outside); len(r.Tags) == 0 {
				continue
			}
		}
		some = append(some, r)
	}
	return some
}

// Get returns one rule. One that is not known is an error that is fs.ErrNotExist.
func Get(ctx context.Context, data db.DB, id int64) (r alert.Rule, err error) {
	found := false
	err = data.Read(ctx, func(q db.Querier) error {
		return db.Each(ctx, q, func(scan func(...any) error) (err error) {
			found = true
			r, err = scanRule(scan)
			return err
		}, "SELECT id, body FROM alert_rule WHERE id = ?", id)
	})
	if err == nil && !found {
		err = fs.ErrNotExist
	}
	if err != nil {
		return r, fmt.Errorf("read rule %d: %w", id, err)
	}
	return r, nil
}

func scanRule(scan func(...any) error) (r alert.Rule, err error) {
	var id int64
	var body string
	if err := scan(&id, &body); err != nil {
		return r, err
	}
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		return r, fmt.Errorf("rule %d: %w", id, err)
	}
	r.ID = id
	return r, nil
}

// Save checks and writes a rule: a new one when its id is 0. It returns the id. A rule
// that is gone is an error that is fs.ErrNotExist.
func Save(w db.Writer, now time.Time, r alert.Rule) (int64, error) {
	if err := r.Check(); err != nil {
		return 0, err
	}
	var n, other int64
	if _, err := w.Row("SELECT count(*), coalesce(max(CASE WHEN name = ? THEN id ELSE 0 END), 0) FROM alert_rule", []any{r.Name}, &n, &other); err != nil {
		return 0, fmt.Errorf("look for rules: %w", err)
	}
	switch {
	case other != 0 && other != r.ID:
		return 0, ErrTaken
	case r.ID != 0:
		return r.ID, update(w, now, r)
	case n >= Max:
		return 0, fmt.Errorf("there are %d rules: no more than that", n)
	}
	if _, err := w.Row("SELECT coalesce(max(id), 0) + 1 FROM alert_rule", nil, &r.ID); err != nil {
		return 0, fmt.Errorf("number rule: %w", err)
	}
	body, err := json.Marshal(r)
	if err != nil {
		return 0, fmt.Errorf("encode rule: %w", err)
	}
	err = w.Exec("INSERT INTO alert_rule (id, name, body, changed) VALUES (?, ?, ?, ?)", r.ID, r.Name, string(body), now.UnixNano())
	if err != nil {
		return 0, fmt.Errorf("write rule: %w", err)
	}
	return r.ID, nil
}

// update writes a rule that there is.
func update(w db.Writer, now time.Time, r alert.Rule) error {
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode rule: %w", err)
	}
	n, err := w.Change("UPDATE alert_rule SET name = ?, body = ?, changed = ? WHERE id = ?", r.Name, string(body), now.UnixNano(), r.ID)
	if err == nil && n == 0 {
		err = fs.ErrNotExist
	}
	if err == nil && !r.Enabled {
		err = empty(w, r.ID)
	}
	if err != nil {
		return fmt.Errorf("write rule %d: %w", r.ID, err)
	}
	return nil
}

// Delete deletes a rule and what waits of it. There need not be one.
func Delete(w db.Writer, id int64) error {
	err := w.Exec("DELETE FROM alert_rule WHERE id = ?", id)
	if err == nil {
		err = empty(w, id)
	}
	if err != nil {
		return fmt.Errorf("delete rule %d: %w", id, err)
	}
	return nil
}

// empty deletes what waits of a rule.
func empty(w db.Writer, id int64) error {
	for _, text := range []string{"DELETE FROM alert_waiting WHERE rule = ?", "DELETE FROM alert_group WHERE rule = ?",
		"DELETE FROM alert_subject WHERE rule = ?", "DELETE FROM alert_hour WHERE rule = ?"} {
		if err := w.Exec(text, id); err != nil {
			return fmt.Errorf("delete what waits: %w", err)
		}
	}
	return nil
}
