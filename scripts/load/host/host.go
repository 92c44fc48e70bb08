package host

import (
	"context"
	"crypto/tls"
	"sync"
	"time"

	"seawall/agent/uplink/pace"
	"seawall/pkg/squeeze"
	"seawall/scripts/load/sample"
)

// The uplink's times.
const (
	dialTimeout      = 10 * time.Second
	welcomeTimeout   = 15 * time.Second
	keepaliveTime    = 20 * time.Second
	keepaliveTimeout = 10 * time.Second
	stableAfter      = time.Minute
	maxBackoff       = time.Minute
	maxDrain         = 10 * time.Minute
)

// Config is what hosts have in common.
type Config struct {
	Address string // of the collector
	Set     *sample.Set
	Codec   *squeeze.Codec
	Tally   *Tally
	Batch   int // records of a batch, at most
}

// Host is one simulated host.
type Host struct {
	cfg     Config
	tls     *tls.Config
	backoff *pace.Backoff // of Run alone
	wake    chan struct{} // holds an element when the sender should look again

	mu       sync.Mutex
	id       Identity // guarded by mu
	sent     uint64   // guarded by mu; the newest record sent on this stream
	highest  uint64   // guarded by mu; on any stream
	flight   []span   // guarded by mu; sent and not acknowledged
	inFlight int      // guarded by mu; bytes of these
	credit   int      // guarded by mu; the bound of inFlight
}

// span is one batch in flight.
type span struct {
	last  uint64
	bytes int
}

// New returns the host with an identity. The identity is copied.
func New(cfg Config, id *Identity) (*Host, error) {
	c, err := id.tls()
	if err != nil {
		return nil, err
	}
	return &Host{cfg: cfg, tls: c, backoff: pace.NewBackoff(), wake: make(chan struct{}, 1), id: *id, highest: id.Made}, nil
}

// Identity returns the identity as it is now.
func (h *Host) Identity() Identity {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.id
}

// Make puts n more records into the spool.
func (h *Host) Make(n int) {
	h.mu.Lock()
	h.id.Made += uint64(n)
	h.mu.Unlock()
	h.poke()
}

// Trim takes back what was made and never sent.
func (h *Host) Trim() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.id.Made = h.highest
}

// Pending is how many records wait for their acknowledgement.
func (h *Host) Pending() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return int(h.id.Made - h.id.Acked)
}

func (h *Host) poke() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// outcome is what a stream came to.
type outcome struct {
	lived   time.Duration // after the welcome; 0 without one
	drained bool
	within  time.Duration
	why     string
	final   bool // the collector will not have this host again
	shut    bool // the collector turned the host away before it said a word
}

// Run keeps the host connected until ctx ends, or until the collector refuses it
// for good.
func (h *Host) Run(ctx context.Context) {
	for ctx.Err() == nil {
		h.cfg.Tally.attempted()
		out := h.connect(ctx)
		if ctx.Err() != nil {
			return
		}
		h.cfg.Tally.ended(out.why)
		if out.final {
			h.cfg.Tally.breach(h.id.Number, "refused for good: %s", out.why)
			return
		}
		t := time.NewTimer(h.plan(out))
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}

// plan returns how long to wait after a stream, as the uplink does.
func (h *Host) plan(out outcome) time.Duration {
	if out.lived >= stableAfter {
		h.backoff.Reset()
	}
	if out.shut {
		return h.backoff.Crowded(maxBackoff)
	}
	if !out.drained {
		return h.backoff.Next(maxBackoff)
	}
	wait := h.backoff.Random(min(out.within, maxDrain))
	if out.lived < time.Second {
		wait += h.backoff.Next(maxBackoff)
	}
	return wait
}
