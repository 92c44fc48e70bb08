package api

import (
	"context"
	"io"
	"net/url"
	"slices"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/once"
	"seawall/collector/web/frame"
	"seawall/collector/web/patches"
	"seawall/collector/web/pending"
	"seawall/collector/web/rest"
)

// Config is what an [API] works with. The zero value of Exported means the default named.
type Config struct {
	Frame     *frame.Frame
	Posture   frame.Posture
	Catalogue frame.Catalogue
	// CheckOf answers for a check on the hosts of a scope; of no scope, on all. A check of
	// which they have no result is an error that errors.Is fs.ErrNotExist.
	CheckOf    func(ctx context.Context, id string, scope []string) (fleet.CheckDetail, error)
	Detections frame.Detections
	Lists      frame.Lists // says which hosts a visitor with a scope sees
	Advisories patches.Advisories
	Requests   func(ctx context.Context) ([]fleet.Request, error) // hosts that asked to be admitted

	// Export returns what makes a file of what parameters ask for.
	Export func(v url.Values, now time.Time, sees func(fleet.HostID) bool) (name, what string, write func(context.Context, io.Writer) error, err error)
	// Exported is told of each export before it begins, and may refuse it. Default: the log
	// tells.
	Exported func(ctx context.Context, who, what string) error
	Version  string // the collector's
	// Once keeps what was answered to those who may ask again. nil: nobody does.
	Once *once.Keys
}

// API answers with JSON.
type API struct {
	config Config
	frame  *frame.Frame
	rest   *rest.Server
}

// New returns an API. Further endpoints are those of other areas.
func New(c Config, more ...rest.Endpoint) *API {
	s := &API{config: c, frame: c.Frame}
	s.rest = rest.New(rest.Config{Frame: c.Frame, Hosts: c.Lists.HostPage, Version: c.Version, Once: c.Once}, slices.Concat(s.endpoints(), s.lists(), more))
	return s
}

// Routes returns its paths.
func (s *API) Routes() []frame.Route { return s.rest.Routes() }

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
func (s *API) endpoints() []rest.Endpoint {
	host := rest.Parameter{Name: "id", InPath: true, Kind: rest.HostID, About: "The host's id."}
	return []rest.Endpoint{
		{Path: "/api/v1/overview", ID: "overview", Summary: "The fleet at a glance", Answer: fleet.Overview{}, Serve: s.overview},
		{Path: "/api/v1/hosts", ID: "hosts", Summary: "Hosts, in the order of their ids", Answer: hostList{}, Serve: s.hosts, Parameters: hostParameters()},
		{Path: "/api/v1/hosts/{id}", ID: "host", Summary: "A host with its standing results, and its pending updates put together", Parameters: []rest.Parameter{host},
			Answer: hostAnswer{}, Serve: s.host},
		{Path: "/api/v1/hosts/{id}/detections/{storm}", ID: "detection", Summary: "One detection", Parameters: []rest.Parameter{host,
			{Name: "storm", InPath: true, About: "The detection's id on its host."}}, Answer: fleet.Detection{}, Serve: s.detection},
		{Path: "/api/v1/detections", ID: "detections", Summary: "Detections, those newest told of first", Answer: detectionList{}, Serve: s.detections, Parameters: []rest.Parameter{
			{Name: "host", Kind: rest.HostID, About: "Of this host."}, {Name: "rule", About: "Of the rule with this id."},
			{Name: "severity", Kind: rest.Severity, About: "Of this severity."}, before(), limit(maxPage, frame.PageSize)}},
		{Path: "/api/v1/requests", ID: "requests", Summary: "Machines that wait for a person to admit them, or were decided upon", Answer: requestList{}, Serve: s.requests},
		{Path: "/api/v1/checks", ID: "checks", Summary: "Checks, with how many hosts each is bad on", Answer: checkList{}, Serve: s.checks},
		{Path: "/api/v1/checks/{id}", ID: "check", Summary: "A check, with its result on every host", Answer: fleet.CheckDetail{}, Serve: s.check, Parameters: []rest.Parameter{
			{Name: "id", InPath: true, About: "The check's id."}}},
		{Path: "/api/v1/timeline", ID: "timeline", Summary: "Changes, newest first", Answer: timeline{}, Serve: s.timeline, Parameters: []rest.Parameter{
			{Name: "host", Kind: rest.HostID, About: "Of this host."}, {Name: "check", About: "Of this check."}, before(), limit(maxPage, frame.PageSize)}},
		{Path: "/api/v1/export", ID: "export", Summary: "Hosts, findings, changes or detections as a file, streamed", Stream: s.export, Parameters: exportParameters(),
			Streams: []string{"application/jsonl", "text/csv", "application/json"}},
	}
}

func before() rest.Parameter {
	return rest.Parameter{Name: "before", Kind: rest.Cursor, About: "Those before: next of the page before."}
}

func limit(most, normal int) rest.Parameter {
	return rest.Parameter{Name: "limit", Kind: rest.Number, Most: most, Normal: normal, About: "How many at most."}
}

// maxPage is the most events that a page has.
const maxPage = 200

func hostParameters() []rest.Parameter {
	return []rest.Parameter{
		{Name: "after", Kind: rest.HostID, About: "Hosts with a larger id: next of the page before."}, limit(fleet.MaxPage, fleet.MaxPage),
		{Name: "text", Most: 200, About: "With this in name, id, Droplet id or system."}, {Name: "tag", About: "With this tag, given or told."},
		{Name: "os", About: "With this system, as os-release's PRETTY_NAME has it."}, {Name: "region", About: "In this region."},
		{Name: "presence", Of: []string{string(fleet.Online), string(fleet.Silent), string(fleet.Offline), string(fleet.Archived)}, About: "Of this presence. Default: all, archived ones, too."},
		{Name: "standing", Of: []string{string(fleet.Active), string(fleet.Quarantined), string(fleet.Revoked)}, About: "Of this standing as a member."},
		{Name: "severity", Kind: rest.Severity, About: "With a failed result of at least this severity."},
		{Name: "below", Kind: rest.Number, Most: 101, About: "With a score below it, in percent; 101: with a score."},
		{Name: "pending", Kind: rest.Flag, About: "true: with security updates pending."}, {Name: "detected", Kind: rest.Flag, About: "true: with detections."},
		{Name: "expired", Kind: rest.Flag, About: "true: active, and the certificate has expired."},
	}
}

func exportParameters() []rest.Parameter {
	return []rest.Parameter{
		{Name: "what", Of: []string{"findings", "hosts", "changes", "detections"}, About: "What to export; findings are the results that stand. Default: findings."},
		{Name: "format", Of: []string{"jsonl", "csv", "ocsf", "ecs", "otlp", "sarif"},
			About: "jsonl: this API's objects; ocsf: OCSF 1.3; ecs: Elastic Common Schema; otlp: OpenTelemetry logs as JSON; each one to a line; sarif: findings as one document of SARIF 2.1.0, a run for each host. Hosts are csv or jsonl. Default: jsonl."},
		{Name: "host", Kind: rest.HostID, About: "Of this host."}, {Name: "check", About: "Of this check."}, {Name: "rule", About: "Detections of this rule."},
		{Name: "family", About: "Findings of this family of checks."},
		{Name: "status", About: "Findings or changes with one of these statuses, with commas between them, or open: fail, unknown and error."},
		{Name: "severity", Kind: rest.Severity, About: "Of at least this severity."},
		{Name: "since", About: "Changes or detections received since: RFC 3339, or a time ago such as 24h or 7d."},
		{Name: "until", About: "Received before: likewise."},
		{Name: "limit", Kind: rest.Number, About: "How many lines at most. Default: all."},
	}
}
