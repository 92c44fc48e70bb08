package export

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// What is written.
const (
	Hosts      = "hosts"
	Findings   = "findings" // results that stand
	Changes    = "changes"  // the timeline
	Detections = "detections"
)

// Format is how it is written.
const (
	CSV   = "csv"
	JSONL = "jsonl" // the objects of the API, one to a line
	OCSF  = "ocsf"
	ECS   = "ecs"
	OTLP  = "otlp"
	SARIF = "sarif" // findings alone, one document
)

// maxParameter bounds a parameter's value, in bytes.
const maxParameter = 256

// Query says what to export. Zero fields select everything.
type Query struct {
	What     string
	Format   string
	Host     fleet.HostID
	Check    string // or rule, of detections
	Family   string // of findings
	Status   []finding.Status
	Severity finding.Severity // and what is worse
	// Since and Until bound when the collector heard of a change or a detection; Until
	// is not included.
	Since, Until time.Time
	Limit        int // lines, 0 for all
	// Sees says which hosts are within. Nil: all.
	Sees func(fleet.HostID) bool
}

// Parse returns the query that an address's parameters say: what, format, host, check
// (of detections: rule), family, status (several: with commas, or "open" for what fails,
// is unknown or could not be evaluated), severity, since and until (RFC 3339, or a time
// from now such as 24h or 7d), limit. An unknown parameter is an error.
func Parse(v url.Values, now time.Time) (Query, error) {
	q := Query{What: Findings, Format: JSONL}
	for _, name := range slices.Sorted(maps.Keys(v)) {
		if len(v[name]) != 1 {
			return q, fmt.Errorf("parameter %s: given %d times", name, len(v[name]))
		}
		value := v[name][0]
		if len(value) > maxParameter {
			return q, fmt.Errorf("parameter %s: longer than %d bytes", name, maxParameter)
		}
		if err := q.set(name, value, now); err != nil {
			return q, fmt.Errorf("parameter %s: %w", name, err)
		}
	}
	return q, q.check()
}

func (q *Query) set(name, value string, now time.Time) (err error) {
	switch name {
	case "what":
		q.What, err = word(value, Hosts, Findings, Changes, Detections)
	case "format":
		q.Format, err = word(value, CSV, JSONL, OCSF, ECS, OTLP, SARIF)
	case "host":
		if q.Host = fleet.HostID(value); !q.Host.Valid() {
			err = errors.New("no host's id: 32 hexadecimal digits")
		}
	case "check", "rule":
		q.Check = value
	case "family":
		q.Family = value
	case "status":
		q.Status, err = statuses(value)
	case "severity":
		err = q.Severity.UnmarshalText([]byte(value))
	case "since":
		q.Since, err = moment(value, now)
	case "until":
		q.Until, err = moment(value, now)
	case "limit":
		q.Limit, err = above(value)
	default:
		err = errors.New("no such parameter")
	}
	return err
}

func above(value string) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 {
		return 0, errors.New("no number above 0")
	}
	return n, nil
}

func word(value string, of ...string) (string, error) {
	if !slices.Contains(of, value) {
		return "", fmt.Errorf("%q is none of %s", value, strings.Join(of, ", "))
	}
	return value, nil
}

func statuses(value string) ([]finding.Status, error) {
	if value == "open" {
		return []finding.Status{finding.StatusFail, finding.StatusUnknown, finding.StatusError}, nil
	}
	var all []finding.Status
	for name := range strings.SplitSeq(value, ",") {
		var s finding.Status
		if err := s.UnmarshalText([]byte(name)); err != nil || s == finding.StatusUnspecified {
			return nil, fmt.Errorf("%q is no status", name)
		}
		all = append(all, s)
	}
	return all, nil
}

// moment reads a time, or how long ago it was.
func moment(value string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, value); err == nil {
		return t.UTC(), nil
	}
	if days, ok := strings.CutSuffix(value, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 0 || n > 36_500 {
			return time.Time{}, fmt.Errorf("%q is no number of days", value)
		}
		return now.AddDate(0, 0, -n).UTC(), nil
	}
	d, err := time.ParseDuration(value)
	if err != nil || d < 0 {
		return time.Time{}, fmt.Errorf("%q is neither a time such as 2026-03-14T15:00:00Z nor a length such as 24h or 7d", value)
	}
	return now.Add(-d).UTC(), nil
}

// check holds the parameters against each other.
func (q *Query) check() error {
	switch {
	case q.What == Hosts && q.Format != CSV && q.Format != JSONL:
		return fmt.Errorf("parameter format: hosts are written as csv or jsonl, not %s", q.Format)
	case q.What != Findings && q.Format == SARIF:
		return fmt.Errorf("parameter format: %s are not written as sarif", q.What)
	}
	timed := q.What == Changes || q.What == Detections
	for _, p := range []struct {
		name         string
		given, taken bool
	}{
		{"check", q.Check != "", q.What != Hosts},
		{"family", q.Family != "", q.What == Findings},
		{"status", q.Status != nil, q.What == Findings || q.What == Changes},
		{"severity", q.Severity != 0, q.What != Hosts},
		{"since", !q.Since.IsZero(), timed},
		{"until", !q.Until.IsZero(), timed},
	} {
		if p.given && !p.taken {
			return fmt.Errorf("parameter %s: not for %s", p.name, q.What)
		}
	}
	return nil
}

// Name is the file name for what the query selects.
func (q *Query) Name() string {
	switch q.Format {
	case CSV:
		return q.What + ".csv"
	case JSONL:
		return q.What + ".jsonl"
	case SARIF:
		return q.What + ".sarif.json"
	}
	return q.What + "." + q.Format + ".jsonl"
}

// String says in a few words what is exported.
func (q *Query) String() string {
	words := q.What + " as " + q.Format
	if q.Host != "" {
		words += " of host " + string(q.Host)
	}
	return words
}

// sees reports whether a host is within.
func (q *Query) sees(id fleet.HostID) bool {
	return (q.Host == "" || q.Host == id) && (q.Sees == nil || q.Sees(id))
}

// result reports whether a result is within.
func (q *Query) result(r *finding.Result, family string) bool {
	return (q.Check == "" || q.Check == r.Check) && (q.Family == "" || q.Family == family) &&
		(q.Status == nil || slices.Contains(q.Status, r.Status)) && r.Severity >= q.Severity
}

// past reports whether a time is before all that is within, in reports whether it is
// within.
func (q *Query) past(t time.Time) bool { return !q.Since.IsZero() && t.Before(q.Since) }
func (q *Query) in(t time.Time) bool   { return q.Until.IsZero() || t.Before(q.Until) }
