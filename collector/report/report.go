// Package report makes a posture report of the fleet, of the hosts with a tag, or of one
// host, as of a moment: what is bad before and after waivers, the worst checks and hosts,
// security updates by age, and how it went over the last days.
//
// All numbers of a report but those of the worst hosts are read in one transaction. The
// fleet's come from the rollups that the store keeps. A part of it is summed over its
// hosts' rows, and its past over the table host_day, a row for each host and day that
// [seawall/collector/store/rollup] writes: the past of a part begins with that table.
//
// A report shows nothing outside of the scope that it is made with.
package report

import (
	"context"
	"fmt"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/triage/cover"
	"seawall/pkg/finding"
)

const (
	// MostDays bounds how far a report looks back.
	MostDays = 366

	maxChecks   = 1000
	maxPackages = 25
	maxWorst    = 20
)

// Config is what [Reports] works with. All fields must be set.
type Config struct {
	Data   db.DB
	Checks func(ctx context.Context) ([]fleet.Check, error) // for their texts
	Hosts  func(ctx context.Context, q fleet.HostQuery) (fleet.HostPage, error)
}

// Reports makes reports. It is safe for concurrent use.
type Reports struct{ config Config }

// New returns what makes reports.
func New(c Config) *Reports { return &Reports{c} }

// Report is a posture report.
type Report struct {
	Made  time.Time    `json:"made"`
	Tag   string       `json:"tag,omitempty"`
	Host  fleet.HostID `json:"host,omitempty"` // with neither: the fleet
	Scope []string     `json:"scope,omitempty"`

	Hosts   int          `json:"hosts"`
	Silent  int          `json:"silent"`  // missed heartbeats
	Offline int          `json:"offline"` // for a day and more
	Counts  fleet.Counts `json:"counts"`  // hosts' word
	Failing [6]int       `json:"failing"` // failed results by severity 0 to 5, hosts' word
	Waived  [6]int       `json:"waived"`  // how many of those people answer for
	Pending Pending      `json:"pending"`
	// Detected counts the detections that are kept, by severity 0 to 5.
	Detected [6]int      `json:"detected"`
	Checks   []Check     `json:"checks"`             // bad somewhere, on most hosts first
	Packages []Package   `json:"packages,omitempty"` // pending on most hosts first, at most 25
	Worst    []Line      `json:"worst,omitempty"`    // hosts with the most severe failures first, at most 20
	Days     []fleet.Day `json:"days"`               // the last is today
}

// Pending counts security updates that are pending, by the days since they are.
type Pending struct {
	All     int `json:"all"`
	Week    int `json:"week"`    // up to 7 days
	Month   int `json:"month"`   // up to 30
	Quarter int `json:"quarter"` // up to 90
	Longer  int `json:"longer"`
}

// Check is a check that is bad.
type Check struct {
	Info   finding.CheckInfo `json:"info"`
	Hosts  int               `json:"hosts"`
	Bad    int               `json:"bad"`    // results
	Waived int               `json:"waived"` // of those
}

// Left returns what is bad after waivers.
func (c Check) Left() int { return max(0, c.Bad-c.Waived) }

// Package is one of which a security update is pending.
type Package struct {
	Name  string    `json:"name"`
	Hosts int       `json:"hosts"`
	Since time.Time `json:"since"` // on the host where it is for longest
}

// Line is a host in a report.
type Line struct {
	ID      fleet.HostID `json:"id"`
	Name    string       `json:"name"`
	Counts  fleet.Counts `json:"counts"`
	Failing [6]int       `json:"failing"`
	Waived  int          `json:"waived"` // failed results
	Pending int          `json:"pending"`
}

// Fails returns how many results fail, before and after waivers.
func (r *Report) Fails() (before, after int) {
	for s := range r.Failing {
		before += r.Failing[s]
		after += max(0, r.Failing[s]-r.Waived[s])
	}
	return before, after
}

// Left returns how many results fail after waivers, by severity.
func (r *Report) Left() (left [6]int) {
	for s := range r.Failing {
		left[s] = max(0, r.Failing[s]-r.Waived[s])
	}
	return left
}

// Make makes a report over a number of days, at most [MostDays].
func (m *Reports) Make(ctx context.Context, now time.Time, in cover.Hosts, days int) (*Report, error) {
	return m.report(ctx, now, in, days, false)
}

// Brief makes a report without packages and the worst hosts.
func (m *Reports) Brief(ctx context.Context, now time.Time, in cover.Hosts, days int) (*Report, error) {
	return m.report(ctx, now, in, days, true)
}

func (m *Reports) report(ctx context.Context, now time.Time, in cover.Hosts, days int, brief bool) (*Report, error) {
	r := &Report{Made: now.UTC(), Tag: in.Tag, Host: in.Host, Scope: in.Scope}
	within, args, err := in.Where("h.host")
	if err != nil {
		return nil, fmt.Errorf("make report: %w", err)
	}
	err = m.config.Data.Read(ctx, func(q db.Querier) error {
		w := reading{q: q, now: now, within: within, args: args, all: in.All(), brief: brief}
		r.Checks, r.Packages, r.Pending, r.Detected = nil, nil, Pending{}, [6]int{}
		if err := w.read(ctx, r); err != nil {
			return err
		}
		r.Days, err = w.trend(ctx, r.Counts, min(max(days, 1), MostDays))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("make report: %w", err)
	}
	if err := m.waived(ctx, now, in, r); err != nil {
		return nil, fmt.Errorf("make report: %w", err)
	}
	if err := m.texts(ctx, r); err != nil {
		return nil, fmt.Errorf("make report: %w", err)
	}
	if in.Host == "" && !brief {
		if err := m.worst(ctx, now, in, r); err != nil {
			return nil, fmt.Errorf("make report: %w", err)
		}
	}
	return r, nil
}

// waived adds what waivers stand for.
func (m *Reports) waived(ctx context.Context, now time.Time, in cover.Hosts, r *Report) error {
	counts, err := cover.Counts(ctx, m.config.Data, now, in)
	by := make(map[string]int)
	r.Waived = [6]int{}
	for _, c := range counts {
		by[c.Check] += c.Results
		if c.Status == finding.StatusFail && int(c.Severity) < len(r.Waived) {
			r.Waived[c.Severity] += c.Results
		}
	}
	for i := range r.Checks {
		r.Checks[i].Waived = by[r.Checks[i].Info.ID]
	}
	return err
}

// texts adds what checks are about.
func (m *Reports) texts(ctx context.Context, r *Report) error {
	known, err := m.config.Checks(ctx)
	by := make(map[string]finding.CheckInfo, len(known))
	for _, c := range known {
		by[c.Info.ID] = c.Info
	}
	for i, c := range r.Checks {
		if info, ok := by[c.Info.ID]; ok {
			r.Checks[i].Info = info
		}
	}
	return err
}

// worst adds the hosts with the most severe failures, and how many do not speak.
func (m *Reports) worst(ctx context.Context, now time.Time, in cover.Hosts, r *Report) error {
	for presence, n := range map[fleet.Presence]*int{fleet.Silent: &r.Silent, fleet.Offline: &r.Offline} {
		p, err := m.config.Hosts(ctx, fleet.HostQuery{Tag: in.Tag, Scope: in.Scope, Presence: presence, Size: 1})
		if err != nil {
			return err
		}
		*n = p.Total
	}
	p, err := m.config.Hosts(ctx, fleet.HostQuery{Tag: in.Tag, Scope: in.Scope, Sort: fleet.BySeverity, Size: maxWorst})
	if err != nil {
		return err
	}
	ids := make([]fleet.HostID, len(p.Hosts))
	for i := range p.Hosts {
		ids[i] = p.Hosts[i].ID
	}
	waived, err := cover.OnHosts(ctx, m.config.Data, now, ids)
	for _, h := range p.Hosts {
		r.Worst = append(r.Worst, Line{h.ID, h.Labels.Name, h.Counts, h.BySeverity, waived[h.ID], h.Pending})
	}
	return err
}
