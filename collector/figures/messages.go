package figures

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"seawall/collector/alert"
	"seawall/collector/alert/outbox"
	"seawall/collector/export/order"
)

// kinds returns the kinds of routes that are labels. What the process that delivers calls
// otherwise, and routes that it has not, or not yet, told of, are "unknown".
func kinds() []string {
	return []string{"webhook", "slack", "pagerduty", "email", "syslog", "otlp", "file", unknown}
}

const unknown = "unknown"

// Sources answer for what is on its way.
type Sources struct {
	Loads   func(context.Context) (map[string]outbox.Load, error)
	Routes  func() ([]alert.Route, time.Time) // as package desk has them
	Exports func(context.Context) ([]order.Progress, error)
}

// Messages is a [prometheus.Collector] of what waits for its receivers.
type Messages struct {
	from Sources
	now  func() time.Time

	waiting, oldest, behind, late, parcels *prometheus.Desc
}

// NewMessages returns the figures of what waits.
func NewMessages(from Sources, now func() time.Time) *Messages {
	return &Messages{
		from: from, now: now,
		waiting: prometheus.NewDesc("seawall_messages_waiting", "Messages that are not delivered yet, by the kind of their route.", []string{"kind"}, nil),
		oldest:  prometheus.NewDesc("seawall_messages_oldest_seconds", "Age of the oldest message that waits, 0 where none does.", []string{"kind"}, nil),
		behind: prometheus.NewDesc("seawall_export_behind",
			"Changes and detections that a continuous export has not sent yet; of each at most 10,000 are counted.", []string{"export"}, nil),
		late:    prometheus.NewDesc("seawall_export_behind_seconds", "Age of what a continuous export sent last while it is behind, else 0.", []string{"export"}, nil),
		parcels: prometheus.NewDesc("seawall_export_parcels_waiting", "Parcels of a continuous export that are not delivered yet.", []string{"export"}, nil),
	}
}

// Describe tells which figures there are.
func (m *Messages) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.waiting, m.oldest, m.behind, m.late, m.parcels} {
		to <- d
	}
}

// Collect tells the figures.
func (m *Messages) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := m.messages(ctx, to); err != nil {
		to <- prometheus.NewInvalidMetric(m.waiting, fmt.Errorf("figures of messages: %w", err))
	}
	if err := m.exports(ctx, to); err != nil {
		to <- prometheus.NewInvalidMetric(m.behind, fmt.Errorf("figures of exports: %w", err))
	}
}

func (m *Messages) messages(ctx context.Context, to chan<- prometheus.Metric) error {
	loads, err := m.from.Loads(ctx)
	if err != nil {
		return err
	}
	all := kinds()
	of := map[string]string{}
	routes, _ := m.from.Routes()
	for _, r := range routes {
		if slices.Contains(all, r.Kind) {
			of[r.Name] = r.Kind
		}
	}
	waiting, oldest := map[string]int{}, map[string]float64{}
	for name, l := range loads {
		kind := of[name]
		if kind == "" {
			kind = unknown
		}
		if waiting[kind] += l.Waiting; l.Waiting > 0 {
			oldest[kind] = max(oldest[kind], m.now().Sub(l.Oldest).Seconds())
		}
	}
	for _, kind := range all {
		tell(to, m.waiting, float64(waiting[kind]), kind)
		tell(to, m.oldest, oldest[kind], kind)
	}
	return nil
}

func (m *Messages) exports(ctx context.Context, to chan<- prometheus.Metric) error {
	all, err := m.from.Exports(ctx)
	if err != nil {
		return err
	}
	for i := range all {
		p := &all[i]
		late := 0.0
		if p.Behind > 0 {
			late = max(0, m.now().Sub(p.Reached).Seconds())
		}
		tell(to, m.behind, float64(p.Behind), p.Name)
		tell(to, m.late, late, p.Name)
		tell(to, m.parcels, float64(p.Waiting), p.Name)
	}
	return nil
}

func tell(to chan<- prometheus.Metric, d *prometheus.Desc, n float64, labels ...string) {
	to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, n, labels...)
}
