package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// round is cases that are planted side by side: the same looks show them all.
type round []*Case

// rounds gathers the cases that go together. Each stands where its first one does.
func rounds(cases []Case) []round {
	var all []round
	at := map[string]int{}
	for i := range cases {
		c := &cases[i]
		if k, ok := at[c.Together]; ok {
			all[k] = append(all[k], c)
			continue
		}
		if c.Together != "" {
			at[c.Together] = len(all)
		}
		all = append(all, round{c})
	}
	return all
}

// part is the k-th of n parts of rounds, from 1, each of neighbours.
func part(list []round, k, n int) []round {
	return list[len(list)*(k-1)/n : len(list)*k/n]
}

// needs are the packages of all its cases.
func (r round) needs() []string {
	var cases []Case
	for _, c := range r {
		cases = append(cases, *c)
	}
	return packages(cases)
}

// also are the checks that its faults may flip besides their own.
func (r round) also() (names []string) {
	for _, c := range r {
		names = append(names, c.Also...)
	}
	return names
}

// families are those of the checks that its faults flip.
func (r round) families() (names []string) {
	for _, check := range append(r.also(), r.checks()...) {
		family, _, _ := strings.Cut(check, "-")
		names = append(names, family)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (r round) checks() (names []string) {
	for _, c := range r {
		names = append(names, c.Check)
	}
	return names
}

// each does something for every case and joins what went wrong, under its check.
func (r round) each(do func(c *Case) error) error {
	var all []error
	for _, c := range r {
		if err := do(c); err != nil {
			all = append(all, fmt.Errorf("%s: %w", c.Check, err))
		}
	}
	return errors.Join(all...)
}

// like tells whether another round, of one case as this one, wants the same
// preparation and leaves the same to clean up.
func (r round) like(s round) bool {
	return len(r) == 1 && len(s) == 1 && r[0].Prepare != "" && r[0].Prepare == s[0].Prepare && r[0].Cleanup == s[0].Cleanup &&
		slices.Equal(r[0].Needs, s[0].Needs)
}

// do plants the faults of a round and follows them to their end. before is the state
// of the machine, nil where that is not known; it returns the state afterwards, nil
// when something went wrong. Of what a round like it has prepared, or is to find, it
// neither prepares nor cleans up anything.
func (h *host) do(ctx context.Context, r round, before state, like around) (after state, err error) {
	defer func() {
		if like.after && err == nil {
			return
		}
		bad := r.each(func(c *Case) error {
			if c.Cleanup != "" {
				after = nil
			}
			return h.step(ctx, "cleanup", c.Cleanup)
		})
		if err = errors.Join(err, bad); err != nil {
			after = nil
		}
	}()
	if before, err = h.prepare(ctx, r, before, like.before); err != nil {
		return nil, err
	}
	if err := r.each(func(c *Case) error { return h.step(ctx, "break", c.Break) }); err != nil {
		return nil, err
	}
	broken, err := h.look(ctx)
	if err != nil {
		return nil, err
	}
	err = r.each(func(c *Case) error {
		if found := broken.worst(c.Check, c.Resource); found.Status != c.Want {
			return fmt.Errorf("is %s after the break: %s", cmp.Or(found.Status, "not there"), found.Actual)
		}
		return nil
	})
	if flips := before.flips(broken, append(r.also(), r.checks()...)...); len(flips) > 0 {
		err = errors.Join(err, fmt.Errorf("the break flips others too:\n%s", strings.Join(flips, "\n")))
	}
	mended := h.mendAll(ctx, r, func(c *Case) (result, bool) { return broken.worst(c.Check, c.Resource), true })
	if err = errors.Join(err, mended); err != nil {
		return nil, err
	}
	return h.mended(ctx, r, before)
}

// mended looks whether all is as it was before the break.
func (h *host) mended(ctx context.Context, r round, before state) (state, error) {
	fixed, err := h.look(ctx)
	if err != nil {
		return nil, err
	}
	err = r.each(func(c *Case) error {
		if now := fixed.worst(c.Check, c.Resource); !c.stands(now) {
			return fmt.Errorf("is %s after its fix: %s", now.Status, now.Actual)
		}
		return nil
	})
	if flips := before.flips(fixed, append(r.also(), r.checks()...)...); len(flips) > 0 {
		err = errors.Join(err, fmt.Errorf("after its fix others differ:\n%s", strings.Join(flips, "\n")))
	}
	return fixed, err
}

// stands tells whether a result is that of a machine without the fault. Of a resource
// that is named there may be none.
func (c *Case) stands(r result) bool {
	return slices.Contains([]string{"pass", "not_applicable"}, r.Status) || c.Resource != "" && r.Status == ""
}

// prepare brings the machine into the state in which the checks pass. A round like it
// may have run its scripts.
func (h *host) prepare(ctx context.Context, r round, before state, done bool) (state, error) {
	err := r.each(func(c *Case) error {
		if c.Prepare == "" || done {
			return nil
		}
		before = nil
		return h.step(ctx, "prepare", c.Prepare)
	})
	if err != nil {
		return nil, err
	}
	if before == nil {
		if before, err = h.look(ctx); err != nil {
			return nil, err
		}
	}
	var mended bool
	err = h.mendAll(ctx, r, func(c *Case) (result, bool) {
		found := before.worst(c.Check, c.Resource)
		mended = mended || found.Status == "fail"
		return found, found.Status == "fail"
	})
	if err != nil {
		return nil, fmt.Errorf("before the break: %w", err)
	}
	if mended {
		if before, err = h.look(ctx); err != nil {
			return nil, err
		}
	}
	return before, r.each(func(c *Case) error {
		if found := before.worst(c.Check, c.Resource); !c.stands(found) {
			return fmt.Errorf("is %s before the break: %s", cmp.Or(found.Status, "not there"), found.Actual)
		}
		return nil
	})
}

// step runs one of a case's own scripts.
func (h *host) step(ctx context.Context, name, text string) error {
	if text == "" {
		return nil
	}
	if out, err := h.script(ctx, "set -e\n"+text); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

// mendAll pastes the fixes of those cases of a round whose results need one, and then
// runs the lines that were left out of them.
func (h *host) mendAll(ctx context.Context, r round, need func(c *Case) (result, bool)) error {
	var once []string
	err := r.each(func(c *Case) error {
		found, bad := need(c)
		if !bad {
			return nil
		}
		if c.Once != "" && !slices.Contains(once, c.Once) {
			once = append(once, c.Once)
		}
		return h.mend(ctx, c, found)
	})
	return errors.Join(err, h.step(ctx, "fix", strings.Join(once, "\n")))
}

// mend pastes the fix.
func (h *host) mend(ctx context.Context, c *Case, r result) error {
	text := c.Fix
	if text == "" {
		text = r.Remediation
		for word, value := range c.With {
			text = regexp.MustCompile(`\b`+regexp.QuoteMeta(word)+`\b`).ReplaceAllLiteralString(text, value)
		}
	}
	if text == "" {
		return errors.New("has no fix")
	}
	if c.Once != "" {
		lines := strings.Split(text, "\n")
		rest := slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return line == c.Once })
		if len(rest) == len(lines) {
			return fmt.Errorf("fix: has no line %q:\n%s", c.Once, text)
		}
		text = strings.Join(rest, "\n")
	}
	if out, err := h.script(ctx, text); err != nil {
		return fmt.Errorf("fix: %w\n%s\n%s", err, text, out)
	}
	return nil
}
