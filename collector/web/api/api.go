package api

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/web/frame"
	"seawall/collector/web/pending"
)

// Config is what an [API] works with. The zero value of Exported means the default named.
type Config struct {
	Frame      *frame.Frame
	Posture    frame.Posture
	Catalogue  frame.Catalogue
	Detections frame.Detections
	Lists      frame.Lists                                        // says which hosts a visitor with a scope sees
	Requests   func(ctx context.Context) ([]fleet.Request, error) // hosts that asked to be admitted

	// Export returns what makes a file of what parameters ask for.
	Export func(v url.Values, now time.Time, sees func(fleet.HostID) bool) (name, what string, write func(context.Context, io.Writer) error, err error)
	// Exported is told of each export before it begins, and may refuse it. Default: the log
	// tells.
	Exported func(ctx context.Context, who, what string) error
	Version  string // the collector's
}

// API answers with JSON.
type API struct {
	config    Config
	frame     *frame.Frame
	exporting chan struct{}
	document  []byte
}

// exports is how many are made at a time: each reads all there is.
const exports = 4

// New returns an API.
func New(c Config) *API {
	s := &API{config: c, frame: c.Frame, exporting: make(chan struct{}, exports)}
	s.document = document(s.endpoints(), c.Version)
	return s
}

// Routes returns its paths.
func (s *API) Routes() []frame.Route {
	var routes []frame.Route
	for _, e := range s.endpoints() {
		routes = append(routes, frame.Route{Pattern: "GET " + e.path, Role: frame.Viewer, Serve: s.handler(e), Scoped: true})
	}
	return routes
}

// endpoint is one path: what is said of it, and what answers. Either serve returns what
// is encoded as JSON, of the type of answer, or stream answers by itself.
type endpoint struct {
	path       string
	id         string // operationId
	summary    string
	parameters []parameter
	answer     any
	serve      func(*request) (any, error)
	stream     func(http.ResponseWriter, *http.Request) error
}

// Answers that are not the store's own types.
type (
	hostList struct {
		Hosts []fleet.Host `json:"hosts"`
		Next  string       `json:"next"` // the parameter after of the next page, or ""
	}
	hostAnswer struct {
		fleet.HostDetail
		Updates []pending.Group `json:"updates"`
	}
	requestList struct {
		Requests []fleet.Request `json:"requests"`
	}
	checkList struct {
		Checks []fleet.Check `json:"checks"`
	}
	timeline struct {
		Events []fleet.Event `json:"events"`
		Next   int64         `json:"next"` // the parameter before of the next page, or 0
	}
	detectionList struct {
		Detections []fleet.Detection `json:"detections"`
		Next       int64             `json:"next"` // the parameter before of the next page, or 0
	}
)

// endpoints is every path.
func (s *API) endpoints() []endpoint {
	host := parameter{name: "id", in: "path", kind: hostID, about: "The host's id."}
	return []endpoint{
		{path: "/api/v1/overview", id: "overview", summary: "The fleet at a glance", answer: fleet.Overview{}, serve: s.overview},
		{path: "/api/v1/hosts", id: "hosts", summary: "Hosts, in the order of their ids", answer: hostList{}, serve: s.hosts, parameters: []parameter{
			{name: "after", kind: hostID, about: "Hosts with a larger id: next of the page before."}, limit(maxHosts, maxHosts)}},
		{path: "/api/v1/hosts/{id}", id: "host", summary: "A host with its standing results, and its pending updates put together", parameters: []parameter{host},
			answer: hostAnswer{}, serve: s.host},
		{path: "/api/v1/hosts/{id}/detections/{storm}", id: "detection", summary: "One detection", parameters: []parameter{host,
			{name: "storm", in: "path", about: "The detection's id on its host."}}, answer: fleet.Detection{}, serve: s.detection},
		{path: "/api/v1/detections", id: "detections", summary: "Detections, those newest told of first", answer: detectionList{}, serve: s.detections, parameters: []parameter{
			{name: "host", kind: hostID, about: "Of this host."}, {name: "rule", about: "Of the rule with this id."},
			{name: "severity", kind: severity, about: "Of this severity."}, before(), limit(maxPage, frame.PageSize)}},
		{path: "/api/v1/requests", id: "requests", summary: "Machines that wait for a person to admit them, or were decided upon", answer: requestList{}, serve: s.requests},
		{path: "/api/v1/checks", id: "checks", summary: "Checks, with how many hosts each is bad on", answer: checkList{}, serve: s.checks},
		{path: "/api/v1/checks/{id}", id: "check", summary: "A check, with its result on every host", answer: fleet.CheckDetail{}, serve: s.check, parameters: []parameter{
			{name: "id", in: "path", about: "The check's id."}}},
		{path: "/api/v1/timeline", id: "timeline", summary: "Changes, newest first", answer: timeline{}, serve: s.timeline, parameters: []parameter{
			{name: "host", kind: hostID, about: "Of this host."}, {name: "check", about: "Of this check."}, before(), limit(maxPage, frame.PageSize)}},
		{path: "/api/v1/export", id: "export", summary: "Hosts, findings, changes or detections as a file, streamed", stream: s.export, parameters: exportParameters()},
		{path: "/api/v1/openapi.json", id: "openapi", summary: "This document", answer: map[string]any{}, serve: func(*request) (any, error) { return raw(s.document), nil }},
	}
}

func before() parameter {
	return parameter{name: "before", kind: cursor, about: "Those before: next of the page before."}
}

func limit(most, normal int) parameter {
	return parameter{name: "limit", kind: number, most: most, normal: normal, about: "How many at most."}
}

// The most that a page has.
const (
	maxPage  = 200
	maxHosts = 10_000
)

func exportParameters() []parameter {
	return []parameter{
		{name: "what", of: []string{"findings", "hosts", "changes", "detections"}, about: "What to export; findings are the results that stand. Default: findings."},
		{name: "format", of: []string{"jsonl", "csv", "ocsf", "ecs", "otlp"},
			about: "jsonl: this API's objects; ocsf: OCSF 1.3; ecs: Elastic Common Schema; otlp: OpenTelemetry logs as JSON; each one to a line. Hosts are csv or jsonl. Default: jsonl."},
		{name: "host", kind: hostID, about: "Of this host."}, {name: "check", about: "Of this check."}, {name: "rule", about: "Detections of this rule."},
		{name: "family", about: "Findings of this family of checks."},
		{name: "status", about: "Findings or changes with one of these statuses, with commas between them, or open: fail, unknown and error."},
		{name: "severity", kind: severity, about: "Of at least this severity."},
		{name: "since", about: "Changes or detections received since: RFC 3339, or a time ago such as 24h or 7d."},
		{name: "until", about: "Received before: likewise."},
		{name: "limit", kind: number, about: "How many lines at most. Default: all."},
	}
}
