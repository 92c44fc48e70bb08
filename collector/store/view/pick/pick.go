// Package pick makes the conditions of queries about hosts and what they have: who may
// see them, and what people filter and sort by. Their text is made of constants, and
// what people typed is an argument.
package pick

import (
	"fmt"
	"strings"
	"time"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// MaxText bounds the bytes of a text that is looked for.
const MaxText = 200

// MaxScope bounds the tags of a scope.
const MaxScope = 200

// maxDeep bounds how far a list can be paged into: what is behind is found by filters.
const maxDeep = 1_000_000

// Page completes the page and the size of a query.
func Page(page, size *int) {
	if *size <= 0 {
		*size = fleet.DefaultPage
	}
	*size = min(*size, fleet.MaxPage)
	*page = max(0, min(*page, maxDeep / *size))
}

// PendingCheck is the check whose failed resources are packages with a security update.
// Pending is the condition of the index that has them by name, of the table state as s: it
// must stand so in each query that uses it.
const (
	PendingCheck = "patch-security-updates"
	Pending      = "s.check_id = 'patch-security-updates' AND s.status = 2"
)

// Condition is what stands behind WHERE, with its arguments.
type Condition struct {
	Text string
	Args []any
}

// And adds a condition.
func (s *Condition) And(text string, args ...any) {
	if s.Text != "" {
		s.Text += " AND "
	}
	s.Text, s.Args = s.Text+text, append(s.Args, args...)
}

// Since adds that the time of a column is from or later, and before to; zero for no bound.
func (s *Condition) Since(column string, from, to time.Time) {
	if !from.IsZero() {
		s.And(column+" >= ?", from.UnixNano())
	}
	if !to.IsZero() {
		s.And(column+" < ?", to.UnixNano())
	}
}

// Marks is n question marks for a list.
func Marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

// Scope adds that the host in a column has one of the tags. No tags are no bound;
// more than can be asked for at once are refused rather than cut: that would hide hosts.
func (s *Condition) Scope(column string, tags []string) error {
	if len(tags) == 0 {
		return nil
	}
	if len(tags) > MaxScope {
		return fmt.Errorf("a scope of %d tags; at most %d", len(tags), MaxScope)
	}
	args := make([]any, len(tags))
	for i, t := range tags {
		args[i] = t
	}
	s.And(column+" IN (SELECT host FROM host_tag WHERE tag IN ("+Marks(len(tags))+"))", args...)
	return nil
}

// Scoped adds to a condition that the host in a column has one of the tags, as
// [Condition.Scope] does.
func Scoped(where string, args []any, column string, tags []string) (string, []any, error) {
	var s Condition
	if err := s.Scope(column, tags); err != nil || s.Text == "" {
		return where, args, err
	}
	return where + " AND " + s.Text, append(args, s.Args...), nil
}

// Like returns a pattern of LIKE … ESCAPE '\' for what has the text within, in lower
// case.
func Like(text string) string { return "%" + Escape(strings.ToLower(text)) + "%" }

// Escape has text stand for itself in such a pattern.
func Escape(text string) string {
	return strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(text)
}

// counted is the number of results that count for the score, see [fleet.Counts.Score].
const counted = "(h.pass + h.fail + h.unknown + h.error)"

// Moment is when a query about hosts is asked. One that spoke after Silent is online,
// and one that did not after Offline is offline.
type Moment struct{ Now, Silent, Offline time.Time }

// Hosts is the condition of a query about hosts, over host h and host_label l.
func Hosts(q *fleet.HostQuery, at Moment) (s Condition, err error) {
	if err := s.presence(q, at); err != nil {
		return s, err
	}
	if err := s.ids(q); err != nil {
		return s, err
	}
	if len(q.Text) > MaxText {
		return s, fmt.Errorf("a text of %d bytes; at most %d", len(q.Text), MaxText)
	}
	if q.Text != "" {
		s.And(`coalesce(l.search, lower(h.name)) LIKE ? ESCAPE '\'`, Like(q.Text))
	}
	if q.OS != "" {
		s.And("l.os = ?", q.OS)
	}
	if q.Region != "" {
		s.And("l.region = ?", q.Region)
	}
	if q.Tag != "" {
		s.And("h.host IN (SELECT host FROM host_tag WHERE tag = ? UNION SELECT host FROM host_told WHERE tag = ?)", q.Tag, q.Tag)
	}
	s.results(q)
	s.members(q, at.Now)
	return s, s.Scope("h.host", q.Scope)
}

// presence is the part of a query that says when hosts spoke.
func (s *Condition) presence(q *fleet.HostQuery, at Moment) error {
	silent, offline := at.Silent.UnixNano(), at.Offline.UnixNano()
	switch q.Presence {
	case "":
		if q.Every {
			s.And("h.archived >= 0")
			break
		}
		s.And("h.archived = 0")
	case fleet.Online:
		s.And("h.archived = 0 AND h.last_seen >= ?", silent)
	case fleet.Silent:
		s.And("h.archived = 0 AND h.last_seen < ? AND h.last_seen >= ?", silent, offline)
	case fleet.Offline:
		s.And("h.archived = 0 AND h.last_seen < ?", offline)
	case fleet.Archived:
		s.And("h.archived <> 0")
	default:
		return fmt.Errorf("no presence is %q", q.Presence)
	}
	return nil
}

// results is the part of a query that says how hosts are.
func (s *Condition) results(q *fleet.HostQuery) {
	if q.Severity > finding.SeverityUnknown {
		columns := []string{"h.severity0", "h.severity1", "h.severity2", "h.severity3", "h.severity4", "h.severity5"}
		s.And(strings.Join(columns[min(int(q.Severity), len(columns)-1):], " + ") + " > 0")
	}
	if q.Below > 0 {
		s.And(counted+" > 0 AND h.pass * 100 < ? * "+counted, min(q.Below, 101))
	}
	if q.Pending {
		s.And("h.pending > 0")
	}
	if q.Never {
		s.And("h.heartbeat IS NULL")
	}
	if q.Detected {
		s.And("h.host IN (SELECT host FROM detection_count WHERE n > 0)")
	}
}

// ids is the part of a query that names hosts.
func (s *Condition) ids(q *fleet.HostQuery) error {
	if len(q.Only) > fleet.MaxPage {
		return fmt.Errorf("%d hosts; at most %d", len(q.Only), fleet.MaxPage)
	}
	var keys []any
	for _, id := range q.Only {
		key, err := id.Bytes()
		if err != nil {
			return err
		}
		keys = append(keys, key)
	}
	if len(keys) > 0 {
		s.And("h.host IN ("+Marks(len(keys))+")", keys...)
	}
	if q.After == "" {
		return nil
	}
	key, err := q.After.Bytes()
	if err != nil {
		return err
	}
	s.And("h.host > ?", key)
	return nil
}

// members is the part of a query that says how hosts were admitted.
func (s *Condition) members(q *fleet.HostQuery, now time.Time) {
	if q.Standing != "" {
		s.And("h.host IN (SELECT host FROM member WHERE standing = ?)", string(q.Standing))
	}
	if q.Expired {
		s.And("h.host IN (SELECT host FROM member WHERE standing = ? AND expires < ?)", string(fleet.Active), now.UnixNano())
	}
}

// Order is what ORDER BY says. The zero order is that of names.
func Order(by fleet.HostSort, reverse bool) (string, error) {
	terms := map[fleet.HostSort][]string{
		"":               {"h.name"},
		fleet.ByName:     {"h.name"},
		fleet.ByScore:    {"CASE WHEN " + counted + " > 0 THEN h.pass * 100 / " + counted + " ELSE 101 END"},
		fleet.BySeverity: {"-h.severity5", "-h.severity4", "-h.severity3", "-h.severity2", "-h.severity1"},
		fleet.ByPending:  {"-h.pending"},
		fleet.BySeen:     {"h.last_seen"},
		fleet.ByOS:       {"coalesce(l.os, '')"},
		fleet.ByRegion:   {"coalesce(l.region, '')"},
		fleet.ByID:       {"h.host"},
	}[by]
	if terms == nil {
		return "", fmt.Errorf("hosts are not ordered by %q", by)
	}
	direction := ", "
	if reverse {
		direction = " DESC, "
	}
	return strings.Join(terms, direction) + direction + "h.name, h.host", nil
}
