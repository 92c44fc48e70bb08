// Package desk hands messages to the process that delivers them, and hears what became
// of them. It is HTTP with JSON on a unix socket, so that the collector needs no
// network and the deliverer no database.
//
//	PUT  /v1/routes                     the routes that the deliverer has: [alert.Route]
//	POST /v1/claim?route=R&limit=N      [alert.Parcel], after at most 25 s; [] for none
//	POST /v1/report?attempt=N           alert.Outcome
//
// Who may connect is the socket's group, by its mode. What such a process can do is to
// read messages that wait and to say that they were delivered.
package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"seawall/collector/alert"
	"seawall/collector/alert/outbox"
	"seawall/pkg/text"
)

const (
	// Patience is how long a claim waits for a message.
	Patience  = 25 * time.Second
	every     = 500 * time.Millisecond // a claim looks again
	maxBody   = 64 << 10
	maxRoutes = 100
	maxLimit  = 20
	maxName   = 200
)

// Desk is the collector's side.
type Desk struct {
	box *outbox.Outbox
	now func() time.Time
	log *slog.Logger

	mu     sync.Mutex
	routes []alert.Route
	seen   time.Time
}

// New returns a desk of an outbox.
func New(box *outbox.Outbox, now func() time.Time, log *slog.Logger) *Desk {
	return &Desk{box: box, now: now, log: log}
}

// Routes returns the routes that the deliverer has, by name, and when it was heard of
// last: the zero time for never.
func (d *Desk) Routes() ([]alert.Route, time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.routes), d.seen
}

// Serve answers until ctx ends.
func (d *Desk) Serve(ctx context.Context, l net.Listener) error {
	group, ctx := errgroup.WithContext(ctx)
	server := &http.Server{Handler: d.Handler(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: Patience + 30*time.Second, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(d.log.Handler(), slog.LevelWarn),
		BaseContext: func(net.Listener) context.Context { return ctx }}
	group.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve deliveries: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		return server.Close()
	})
	return group.Wait()
}

// Handler returns the desk as HTTP.
func (d *Desk) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /v1/routes", d.hear)
	mux.HandleFunc("POST /v1/claim", d.claim)
	mux.HandleFunc("POST /v1/report", d.report)
	return mux
}

func (d *Desk) hear(w http.ResponseWriter, r *http.Request) {
	var routes []alert.Route
	if !read(w, r, &routes) {
		return
	}
	if len(routes) > maxRoutes {
		http.Error(w, "too many routes", http.StatusBadRequest)
		return
	}
	for i := range routes {
		for _, s := range []*string{&routes[i].Name, &routes[i].Kind, &routes[i].To} {
			*s = text.Clean(text.Terminal(text.Clean(*s, maxName)), maxName)
		}
	}
	slices.SortFunc(routes, func(a, b alert.Route) int { return strings.Compare(a.Name, b.Name) })
	d.mu.Lock()
	fresh := d.seen.IsZero()
	d.routes, d.seen = routes, d.now()
	d.mu.Unlock()
	if fresh {
		d.log.Info("messages are delivered", "routes", len(routes))
	}
	w.WriteHeader(http.StatusNoContent)
}

func (d *Desk) claim(w http.ResponseWriter, r *http.Request) {
	route := r.URL.Query().Get("route")
	limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil || limit < 1 || limit > maxLimit || route == "" || len(route) > maxName {
		http.Error(w, "route and limit", http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), Patience)
	defer cancel()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		parcels, err := d.box.Claim(ctx, route, limit)
		if len(parcels) > 0 {
			answer(w, parcels)
			return
		}
		if err != nil && ctx.Err() == nil {
			d.log.Error("messages wait", "route", route, "err", err)
			http.Error(w, "the store does not answer", http.StatusServiceUnavailable)
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			answer(w, []alert.Parcel{})
			return
		}
	}
}

func (d *Desk) report(w http.ResponseWriter, r *http.Request) {
	var o alert.Outcome
	attempt, err := strconv.Atoi(r.URL.Query().Get("attempt"))
	if err != nil {
		http.Error(w, "attempt", http.StatusBadRequest)
		return
	}
	if !read(w, r, &o) {
		return
	}
	if !slices.Contains([]alert.Result{alert.Sent, alert.Later, alert.Refused, alert.Untried}, o.Result) {
		http.Error(w, "result", http.StatusBadRequest)
		return
	}
	if err := d.box.Report(r.Context(), o, attempt); err != nil {
		d.log.Error("a delivery is not written down", "message", o.ID, "err", err)
		http.Error(w, "the store does not answer", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func read(w http.ResponseWriter, r *http.Request, to any) bool {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(to); err != nil {
		http.Error(w, "not the JSON that is expected", http.StatusBadRequest)
		return false
	}
	return true
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	// An answer that does not arrive is a lease that ends.
	_ = json.NewEncoder(w).Encode(v)
}
