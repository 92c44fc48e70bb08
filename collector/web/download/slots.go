package download

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// Slots bounds how many files are made at a time, of all and of one user: each reads all
// there is, so that a few of them would take the database from everybody else, and one
// user could take them from all others. Who finds none free is refused and not queued: a
// queue would hold connections.
type Slots struct {
	all, each int
	underWay  prometheus.Gauge
	refused   *prometheus.CounterVec

	mu   sync.Mutex
	held map[string]int // by user; guarded by mu
	sum  int            // guarded by mu
}

// NewSlots returns slots for all files at a time, and each of them for one user. A nil
// registry has no figures.
func NewSlots(all, each int, registry prometheus.Registerer) (*Slots, error) {
	s := &Slots{
		all: all, each: each, held: map[string]int{},
		underWay: prometheus.NewGauge(prometheus.GaugeOpts{Name: "seawall_downloads_under_way", Help: "Files that are being made and sent."}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "seawall_downloads_refused_total",
			Help: "Files that were refused since too many were being made, by whose they were: of the same user, or of all."}, []string{"of"}),
	}
	for _, of := range []string{"user", "all"} {
		s.refused.WithLabelValues(of) // a figure that is not there cannot be watched
	}
	if registry == nil {
		return s, nil
	}
	for _, c := range []prometheus.Collector{s.underWay, s.refused} {
		if err := registry.Register(c); err != nil {
			return nil, err //nolint:wrapcheck // it names the figure
		}
	}
	return s, nil
}

// Enter takes a slot for a user, or returns a sentence that says why there is none. Who
// has one calls leave, once.
func (s *Slots) Enter(user string) (leave func(), why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.held[user] >= s.each:
		s.refused.WithLabelValues("user").Inc()
		return nil, "Your account has as many under way as one account may have. Wait until one of them is done, or stop it."
	case s.sum >= s.all:
		s.refused.WithLabelValues("all").Inc()
		return nil, "Others have as many under way as the collector makes at a time. Try again in a moment."
	}
	s.held[user]++
	s.sum++
	s.underWay.Set(float64(s.sum))
	return func() { s.leave(user) }, ""
}

func (s *Slots) leave(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[user]--; s.held[user] == 0 {
		delete(s.held, user)
	}
	s.sum--
	s.underWay.Set(float64(s.sum))
}
