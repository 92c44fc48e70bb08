package ingest

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Metrics are the server's figures. None has a label: a host must not be able to
// make series.
type Metrics struct {
	Streams     prometheus.Gauge
	Records     prometheus.Counter
	Rejected    prometheus.Counter
	Bytes       prometheus.Counter
	Refused     prometheus.Counter
	StoreErrors prometheus.Counter
	Panics      prometheus.Counter
	Commit      prometheus.Histogram
}

// NewMetrics makes the figures and registers them; a nil registry means nowhere.
func NewMetrics(r prometheus.Registerer) *Metrics {
	f := promauto.With(r)
	counter := func(name, help string) prometheus.Counter {
		return f.NewCounter(prometheus.CounterOpts{Namespace: "seawall", Subsystem: "ingest", Name: name, Help: help})
	}
	return &Metrics{
		Streams: f.NewGauge(prometheus.GaugeOpts{
			Namespace: "seawall", Subsystem: "ingest", Name: "streams", Help: "Hosts connected now.",
		}),
		Records:     counter("records_total", "Records made durable, those the store had already included."),
		Rejected:    counter("rejected_total", "Records that could not be decoded."),
		Bytes:       counter("bytes_total", "Bytes of records made durable."),
		Refused:     counter("refused_total", "Streams ended for breaking the protocol or refused."),
		StoreErrors: counter("store_errors_total", "Batches not acknowledged since the store failed."),
		Panics:      counter("panics_total", "Streams ended by an error of the collector."),
		Commit: f.NewHistogram(prometheus.HistogramOpts{
			Namespace: "seawall", Subsystem: "ingest", Name: "commit_seconds", Help: "Time from a decoded batch to its commit.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14),
		}),
	}
}
