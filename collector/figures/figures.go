// Package figures tells Prometheus how the fleet stands, and what waits for its receivers.
//
// A host must not be able to fill a monitoring system: no label has a host's words, or a
// check's, which are a host's, too. Labels are presences, statuses, standings and
// severities, so there are some thirty series whatever the fleet. Messages are told by the
// kind of their route, of which there are few; continuous exports by their names, which
// administrators choose, and of which there are at most fifty.
//
// The figures are those of the overview, read when they are asked for and kept for some
// seconds, so that impatient scrapers cost no more than patient ones. When the store does
// not answer, the scrape fails: old figures would look like good ones.
package figures

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

const (
	// keep is how long figures are good for.
	keep = 5 * time.Second
	// patience is how long the store may take.
	patience = 5 * time.Second
)

// Fleet is a [prometheus.Collector] of the fleet's figures.
type Fleet struct {
	overview func(context.Context) (fleet.Overview, error)
	now      func() time.Time

	hosts, results, failed, detections, members, score, updates, requests, expired *prometheus.Desc

	mu   sync.Mutex
	last fleet.Overview // guarded by mu, as of at
	at   time.Time      // guarded by mu
}

// New returns the figures of what overview answers.
func New(overview func(context.Context) (fleet.Overview, error), now func() time.Time) *Fleet {
	about := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("seawall_fleet_"+name, help, labels, nil)
	}
	return &Fleet{
		overview: overview, now: now,
		hosts:      about("hosts", "Hosts, by presence.", "presence"),
		results:    about("results", "Standing results of hosts that are not archived, by status.", "status"),
		failed:     about("failed_results", "Standing results that failed, by severity.", "severity"),
		detections: about("detections", "Detections that are kept, by severity.", "severity"),
		members:    about("members", "Members that are not archived, by standing.", "standing"),
		score:      about("score_percent", "Share of results that pass among those that pass or are bad; absent where there are none."),
		updates:    about("security_updates_pending", "Security updates that are pending."),
		requests:   about("requests_waiting", "Hosts that wait for a person to admit them."),
		expired:    about("certificates_expired", "Active members whose certificate has expired."),
	}
}

// Describe tells which figures there are.
func (f *Fleet) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{f.hosts, f.results, f.failed, f.detections, f.members, f.score, f.updates, f.requests, f.expired} {
		to <- d
	}
}

// Collect tells the figures.
func (f *Fleet) Collect(to chan<- prometheus.Metric) {
	o, err := f.read()
	if err != nil {
		to <- prometheus.NewInvalidMetric(f.hosts, err)
		return
	}
	say := func(d *prometheus.Desc, n int, labels ...string) { tell(to, d, float64(n), labels...) }
	for _, p := range []fleet.Presence{fleet.Online, fleet.Silent, fleet.Offline, fleet.Archived} {
		say(f.hosts, o.Presence[p], string(p))
	}
	for _, s := range []fleet.Standing{fleet.Active, fleet.Quarantined, fleet.Revoked} {
		say(f.members, o.Standing[s], string(s))
	}
	for s := finding.StatusPass; s <= finding.StatusWaived; s++ {
		say(f.results, o.Counts.Of(s), s.String())
	}
	for s := finding.SeverityUnknown; s <= finding.SeverityCritical; s++ {
		say(f.failed, o.BySeverity[s], s.String())
		say(f.detections, o.Detected[s], s.String())
	}
	if percent, ok := o.Counts.Score(); ok {
		say(f.score, percent)
	}
	say(f.updates, o.Pending)
	say(f.requests, o.Requests)
	say(f.expired, o.Expired)
}

// read returns the overview, which may be some seconds old.
func (f *Fleet) read() (fleet.Overview, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := f.now(); now.Sub(f.at) < keep && !now.Before(f.at) {
		return f.last, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	o, err := f.overview(ctx)
	if err != nil {
		return o, fmt.Errorf("figures of the fleet: %w", err)
	}
	f.last, f.at = o, f.now()
	return o, nil
}
