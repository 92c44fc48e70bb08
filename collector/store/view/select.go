package view

import (
	"context"
	"fmt"
	"strings"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store/presence"
	"seawall/pkg/finding"
)

const (
	maxText  = 200 // bytes of a text that is looked for
	maxScope = 200 // tags of a scope
	maxFacet = 100
)

// selection is a condition with its arguments. Its text is made of constants.
type selection struct {
	text string
	args []any
}

// and adds a condition.
func (s *selection) and(text string, args ...any) {
	if s.text != "" {
		s.text += " AND "
	}
	s.text, s.args = s.text+text, append(s.args, args...)
}

// marks is n question marks for a list.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

// scope adds that the host in a column has one of the tags. No tags are no bound;
// more than can be asked for at once are refused rather than cut: that would hide hosts.
func (s *selection) scope(column string, tags []string) error {
	if len(tags) == 0 {
		return nil
	}
	if len(tags) > maxScope {
		return fmt.Errorf("a scope of %d tags; at most %d", len(tags), maxScope)
	}
	args := make([]any, len(tags))
	for i, t := range tags {
		args[i] = t
	}
	s.and(column+" IN (SELECT host FROM host_tag WHERE tag IN ("+marks(len(tags))+"))", args...)
	return nil
}

// like returns a pattern of LIKE … ESCAPE '\' for what has the text within, in lower
// case.
func like(text string) string { return "%" + escape(strings.ToLower(text)) + "%" }

// escape has text stand for itself in such a pattern.
func escape(text string) string {
	return strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(text)
}

// counted is the number of results that count for the score, see [fleet.Counts.Score].
const counted = "(h.pass + h.fail + h.unknown + h.error)"

// hosts is the condition of a query about hosts, over host h and host_label l.
func (s *selection) hosts(q *fleet.HostQuery, out presence.Outages, tx *snapshot) error {
	silent, offline := out.Silent(tx.now).UnixNano(), out.Offline(tx.now).UnixNano()
	switch q.Presence {
	case "":
		if q.Every {
			s.and("h.archived >= 0")
			break
		}
		s.and("h.archived = 0")
	case fleet.Online:
		s.and("h.archived = 0 AND h.last_seen >= ?", silent)
	case fleet.Silent:
		s.and("h.archived = 0 AND h.last_seen < ? AND h.last_seen >= ?", silent, offline)
	case fleet.Offline:
		s.and("h.archived = 0 AND h.last_seen < ?", offline)
	case fleet.Archived:
		s.and("h.archived <> 0")
	default:
		return fmt.Errorf("no presence is %q", q.Presence)
	}
	if err := s.ids(q); err != nil {
		return err
	}
	if len(q.Text) > maxText {
		return fmt.Errorf("a text of %d bytes; at most %d", len(q.Text), maxText)
	}
	if q.Text != "" {
		s.and(`coalesce(l.search, lower(h.name)) LIKE ? ESCAPE '\'`, like(q.Text))
	}
	if q.OS != "" {
		s.and("l.os = ?", q.OS)
	}
	if q.Region != "" {
		s.and("l.region = ?", q.Region)
	}
	if q.Tag != "" {
		s.and("h.host IN (SELECT host FROM host_tag WHERE tag = ? UNION SELECT host FROM host_told WHERE tag = ?)", q.Tag, q.Tag)
	}
	if q.Severity > finding.SeverityUnknown {
		columns := []string{"h.severity0", "h.severity1", "h.severity2", "h.severity3", "h.severity4", "h.severity5"}
		s.and(strings.Join(columns[min(int(q.Severity), len(columns)-1):], " + ") + " > 0")
	}
	if q.Below > 0 {
		s.and(counted+" > 0 AND h.pass * 100 < ? * "+counted, min(q.Below, 101))
	}
	if q.Pending {
		s.and("h.pending > 0")
	}
	if q.Detected {
		s.and("h.host IN (SELECT host FROM detection_count WHERE n > 0)")
	}
	s.members(q, tx.now)
	return s.scope("h.host", q.Scope)
}

// ids is the part of a query that names hosts.
func (s *selection) ids(q *fleet.HostQuery) error {
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
		s.and("h.host IN ("+marks(len(keys))+")", keys...)
	}
	if q.After == "" {
		return nil
	}
	key, err := q.After.Bytes()
	if err != nil {
		return err
	}
	s.and("h.host > ?", key)
	return nil
}

// members is the part of a query that says how hosts were admitted.
func (s *selection) members(q *fleet.HostQuery, now time.Time) {
	if q.Standing != "" {
		s.and("h.host IN (SELECT host FROM member WHERE standing = ?)", string(q.Standing))
	}
	if q.Expired {
		s.and("h.host IN (SELECT host FROM member WHERE standing = ? AND expires < ?)", string(fleet.Active), now.UnixNano())
	}
}

// order is what ORDER BY says. The zero order is that of names.
func order(by fleet.HostSort, reverse bool) (string, error) {
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
		var s selection
		s.and(kind.value + " <> '' AND x.host NOT IN (SELECT host FROM host WHERE archived <> 0)")
		if err := s.scope("x.host", scope); err != nil {
			return f, fmt.Errorf("read facets: %w", err)
		}
		err := db.Each(ctx, tx, func(scan func(...any) error) error {
			var value fleet.Facet
			err := scan(&value.Value, &value.Hosts)
			*kind.to = append(*kind.to, value)
			return err
		}, "SELECT "+kind.value+" AS value, count(*) AS hosts FROM "+kind.from+" WHERE "+s.text+
			" GROUP BY "+kind.value+" ORDER BY hosts DESC, value LIMIT ?", append(s.args, maxFacet)...)
		if err != nil {
			return f, fmt.Errorf("read facets: %w", err)
		}
	}
	return f, nil
}
