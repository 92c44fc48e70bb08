package triage

import (
	"context"
	"fmt"
	"io/fs"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/triage/cover"
	"seawall/pkg/finding"
)

// Key names a finding.
type Key struct {
	Host     fleet.HostID `json:"host"`
	Check    string       `json:"check"`
	Resource string       `json:"resource"`
}

// Life is where a finding stands.
type Life string

// The stages. Waived is one that is bad and that somebody answers for.
const (
	New      Life = "new"
	Open     Life = "open"
	Reopened Life = "reopened"
	Waived   Life = "waived"
	Resolved Life = "resolved"
	Good     Life = "good" // never was bad, as far as is known
)

// Finding is a result and what people say of it.
type Finding struct {
	Key
	HostName string           `json:"host_name"`
	Status   finding.Status   `json:"status"` // the host's word
	Severity finding.Severity `json:"severity"`
	Since    time.Time        `json:"since"`             // when Status became what it is
	Times    int              `json:"times"`             // it was resolved so often
	Resolved time.Time        `json:"resolved,omitzero"` // the last time
	Life     Life             `json:"life"`

	Assignee string    `json:"assignee,omitempty"`
	Note     string    `json:"note,omitempty"`
	Who      string    `json:"who,omitempty"` // wrote these
	Changed  time.Time `json:"changed,omitzero"`
	looked   int       // Times when somebody looked

	Waiver string `json:"waiver,omitempty"` // the id of one that stands, the one that ends last
}

const (
	covers = cover.Covers
	bad    = cover.Bad
)

// shownOf are a finding's, of a row s of state and what is joined with it. The parameter
// is the time.
const shownOf = `SELECT s.host, coalesce(h.name, ''), s.check_id, s.resource, s.status, s.severity, s.since,
	coalesce(l.times, 0), coalesce(l.resolved, 0),
	coalesce(t.assignee, ''), coalesce(t.note, ''), coalesce(t.who, ''), coalesce(t.changed, 0), coalesce(t.times, -1),
	coalesce((SELECT w.id FROM waiver w WHERE ` + covers + ` ORDER BY w.expires DESC, w.id LIMIT 1), '') `

const joined = ` LEFT JOIN host h ON h.host = s.host
	LEFT JOIN life l ON l.host = s.host AND l.check_id = s.check_id AND l.resource = s.resource
	LEFT JOIN triage t ON t.host = s.host AND t.check_id = s.check_id AND t.resource = s.resource `

const selected = shownOf + "FROM state s" + joined

// Get returns one finding. A result that the host does not tell of is an error that is
// fs.ErrNotExist.
func Get(ctx context.Context, data db.DB, now time.Time, k Key) (Finding, error) {
	host, err := k.Host.Bytes()
	if err != nil {
		return Finding{}, fmt.Errorf("finding: %w", fs.ErrNotExist)
	}
	all, err := read(ctx, data, selected+"WHERE s.host = ? AND s.check_id = ? AND s.resource = ?", now.UnixNano(), host, k.Check, k.Resource)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("finding %s of host %s: %w", k.Check, k.Host, fs.ErrNotExist)
	}
	if err != nil {
		return Finding{}, err
	}
	return all[0], nil
}

// OfHost returns the findings of a host, bad ones alone, at most limit.
func OfHost(ctx context.Context, data db.DB, now time.Time, id fleet.HostID, limit int) ([]Finding, error) {
	host, err := id.Bytes()
	if err != nil {
		return nil, fmt.Errorf("host: %w", fs.ErrNotExist)
	}
	return read(ctx, data, selected+"WHERE s.host = ? AND "+bad+" ORDER BY s.severity DESC, s.check_id, s.resource LIMIT ?", now.UnixNano(), host, limit)
}

// FindingsOf returns the findings of a check on hosts of a scope that are not archived,
// bad ones alone, those that fail for longest first, at most limit.
func FindingsOf(ctx context.Context, data db.DB, now time.Time, check string, scope []string, limit int) ([]Finding, error) {
	text, args := findingsOf(now, check, scope, limit)
	return read(ctx, data, text, args...)
}

// findingsOf is the query of [FindingsOf]. Which are shown is found first, in the order of
// their index, and what people say is read of those alone.
func findingsOf(now time.Time, check string, scope []string, limit int) (text string, args []any) {
	within, tags := inScope(scope)
	args = append(append([]any{now.UnixNano(), check}, tags...), limit)
	return shownOf + `FROM (SELECT s.host, s.check_id, s.resource, s.status, s.severity, s.since FROM state s
		WHERE s.check_id = ? AND s.host NOT IN (SELECT a.host FROM host a WHERE a.archived <> 0) AND ` + bad + within + `
		ORDER BY s.since, s.host, s.resource LIMIT ?) s` + joined + "ORDER BY s.since, s.host, s.resource", args
}

// Assigned returns the findings of a scope that somebody looks after, bad ones alone,
// the newest decision first, at most limit.
func Assigned(ctx context.Context, data db.DB, now time.Time, scope []string, limit int) ([]Finding, error) {
	within, tags := inScope(scope)
	args := append([]any{now.UnixNano()}, tags...)
	// Named by the decisions: results are many, and decisions about them few.
	return read(ctx, data, selected+"WHERE (s.host, s.check_id, s.resource) IN (SELECT a.host, a.check_id, a.resource FROM triage a WHERE a.assignee <> '') AND "+
		bad+within+" ORDER BY t.changed DESC, s.host LIMIT ?", append(args, limit)...)
}

// read returns the findings that a query selects.
func read(ctx context.Context, data db.DB, text string, args ...any) (all []Finding, err error) {
	err = data.Read(ctx, func(q db.Querier) error {
		all = nil
		return db.Each(ctx, q, func(scan func(...any) error) error {
			var f Finding
			var host []byte
			var since, resolved, changed int64
			err := scan(&host, &f.HostName, &f.Check, &f.Resource, &f.Status, &f.Severity, &since, &f.Times, &resolved,
				&f.Assignee, &f.Note, &f.Who, &changed, &f.looked, &f.Waiver)
			f.Host, f.Since, f.Resolved, f.Changed = hostID(host), moment(since), moment(resolved), moment(changed)
			f.Life = f.life()
			all = append(all, f)
			return err
		}, text, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("read findings: %w", err)
	}
	return all, nil
}

// life says where the finding stands.
func (f *Finding) life() Life {
	switch {
	case !f.Status.Bad() && f.Times > 0:
		return Resolved
	case !f.Status.Bad():
		return Good
	case f.Waiver != "":
		return Waived
	case f.Times > max(f.looked, 0):
		return Reopened
	case f.looked < 0:
		return New
	}
	return Open
}

// Assign writes who looks after a finding and what is to be known of it. Both may be
// empty: then somebody has looked. A result that the host does not tell of is an error
// that is fs.ErrNotExist.
func Assign(w db.Writer, now time.Time, k Key, assignee, note, who string) error {
	host, err := k.Host.Bytes()
	if err != nil {
		return fmt.Errorf("finding: %w", fs.ErrNotExist)
	}
	if problem := NoteProblem(assignee, note); problem != "" {
		return fmt.Errorf("assign finding: %s", problem)
	}
	n, err := w.Change(`INSERT INTO triage (host, check_id, resource, assignee, note, who, changed, times)
		SELECT s.host, s.check_id, s.resource, ?, ?, ?, ?, coalesce(l.times, 0) FROM state s
		LEFT JOIN life l ON l.host = s.host AND l.check_id = s.check_id AND l.resource = s.resource
		WHERE s.host = ? AND s.check_id = ? AND s.resource = ?
		ON CONFLICT (host, check_id, resource) DO UPDATE SET assignee = excluded.assignee, note = excluded.note,
		who = excluded.who, changed = excluded.changed, times = excluded.times`,
		assignee, note, who, now.UnixNano(), host, k.Check, k.Resource)
	if err == nil && n == 0 {
		err = fs.ErrNotExist
	}
	if err != nil {
		return fmt.Errorf("assign finding: %w", err)
	}
	return nil
}

// NoteProblem returns what is wrong with what a person wrote about a finding, in a
// sentence, or nothing.
func NoteProblem(assignee, note string) string {
	if !fits(assignee, maxName) || !fits(note, maxText) {
		return fmt.Sprintf("A name has at most %d bytes, and a note %d.", maxName, maxText)
	}
	return ""
}
