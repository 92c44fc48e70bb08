package posture

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/web/format"
	"seawall/collector/web/frame"
	"seawall/collector/web/list"
	"seawall/pkg/finding"
)

// maxWord is the longest word of a filter, in bytes.
const maxWord = 200

// sieve is what a host's timeline shows of its changes, as the page's address says it:
// q is text of the check or the resource, family and status select, actor is the login
// user or the user of the cause, before is the cursor. What is not understood selects
// nothing less.
type sieve struct{ fleet.ChangeQuery }

// sift reads the sieve from the address of a host's page.
func sift(v url.Values, host fleet.HostID) sieve {
	word := func(name string) string {
		if s := strings.TrimSpace(v.Get(name)); len(s) <= maxWord {
			return s
		}
		return ""
	}
	f := sieve{fleet.ChangeQuery{Host: host, Text: word("q"), Family: word("family"), Actor: word("actor"), Limit: frame.PageSize}}
	if err := f.Status.UnmarshalText([]byte(v.Get("status"))); err != nil {
		f.Status = finding.StatusUnspecified
	}
	if n, err := strconv.ParseInt(v.Get("before"), 10, 64); err == nil && n > 0 {
		f.Before = n
	}
	return f
}

// Any reports whether the sieve leaves anything out.
func (f sieve) Any() bool { return f.query() != "" }

// query returns the part of the address that selects, without the cursor.
func (f sieve) query() string {
	v := url.Values{}
	for name, value := range map[string]string{"q": f.Text, "family": f.Family, "actor": f.Actor} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if f.Status != finding.StatusUnspecified {
		v.Set("status", f.Status.String())
	}
	return v.Encode()
}

// Statuses are the choices of a result.
func (f sieve) Statuses() []list.Option {
	options := []list.Option{{Label: "any result", Chosen: f.Status == finding.StatusUnspecified}}
	for _, s := range []finding.Status{finding.StatusFail, finding.StatusError, finding.StatusUnknown, finding.StatusPass, finding.StatusNotApplicable} {
		options = append(options, list.Option{Value: s.String(), Label: format.Status(s), Chosen: s == f.Status})
	}
	return options
}

// families are the choices of a family: those of the host's results, and what is chosen
// whatever the host has.
func (f sieve) families(states []fleet.State) []list.Option {
	seen := map[string]bool{f.Family: true}
	for i := range states {
		name, _, _ := strings.Cut(states[i].Result.Check, "-")
		seen[name] = true
	}
	delete(seen, "")
	var names []string
	for name := range seen {
		names = append(names, name)
	}
	slices.Sort(names)
	return list.Options("any family", f.Family, names...)
}

// history is a page of a host's changes.
type history struct {
	Sieve    sieve
	Families []list.Option
	Reached  time.Time // the oldest change that was looked at, where the page is not full
	events   []fleet.Event
	next     int64 // of a sifted page: where the next one begins
}

// history reads the page of a host's changes that the address asks for.
func (s *Pages) history(r *http.Request, d *fleet.HostDetail) (h history, err error) {
	h.Sieve = sift(r.URL.Query(), d.Host.ID)
	h.Families = h.Sieve.families(d.States)
	if !h.Sieve.Any() {
		h.events, err = s.config.Posture.Timeline(r.Context(),
			fleet.TimelineQuery{Host: d.Host.ID, Before: h.Sieve.Before, Limit: frame.PageSize + 1})
		return h, err
	}
	p, err := s.config.Lists.Changes(r.Context(), h.Sieve.ChangeQuery)
	if h.events, h.next = p.Events, p.Next; p.Next != 0 && len(p.Events) < frame.PageSize {
		h.Reached = p.Reached
	}
	return h, err
}

// timeline returns the history as the page shows it: the first page of all changes is
// short, since results come after it.
func (h history) timeline(now time.Time, path string) frame.Timeline {
	size, before := frame.PageSize, h.Sieve.Before
	if !h.Sieve.Any() {
		if before == 0 {
			size = changesShown
		}
		return frame.NewTimeline(now, path, before, size, h.events)
	}
	t := frame.NewTimeline(now, path, before, size, h.events)
	t.Filter, t.Older = h.Sieve.query(), cmp.Or(h.next, t.Older)
	t.Empty = "No change matches."
	if before != 0 {
		t.Empty = "No older change matches."
	}
	return t
}
