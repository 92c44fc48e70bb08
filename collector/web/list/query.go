package list

import (
	"net/url"
	"strconv"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// most is how many rows a program may ask for at a time. It is the store's own limit.
const most = 200

// Timeline reads host, check, before and limit from the address; what is
// not understood selects nothing less.
func Timeline(v url.Values, limit int) fleet.TimelineQuery {
	q := fleet.TimelineQuery{Check: v.Get("check"), Limit: limit}
	if id := fleet.HostID(v.Get("host")); id.Valid() {
		q.Host = id
	}
	if n, err := strconv.ParseInt(v.Get("before"), 10, 64); err == nil && n > 0 {
		q.Before = n
	}
	if n, err := strconv.Atoi(v.Get("limit")); err == nil && n > 0 {
		q.Limit = min(n, most)
	}
	return q
}

// maxRule is the longest name of a rule.
const maxRule = 64

// Detections reads host, rule, severity, before and limit from the address; what
// is not understood selects nothing less.
func Detections(v url.Values, limit int) fleet.DetectionQuery {
	q := fleet.DetectionQuery{Limit: limit}
	if id := fleet.HostID(v.Get("host")); id.Valid() {
		q.Host = id
	}
	if rule := v.Get("rule"); len(rule) <= maxRule {
		q.Rule = rule
	}
	if err := q.Severity.UnmarshalText([]byte(v.Get("severity"))); err != nil {
		q.Severity = finding.SeverityUnknown
	}
	if n, err := strconv.ParseInt(v.Get("before"), 10, 64); err == nil && n > 0 {
		q.Before = n
	}
	if n, err := strconv.Atoi(v.Get("limit")); err == nil && n > 0 {
		q.Limit = min(n, most)
	}
	return q
}
