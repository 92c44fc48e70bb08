package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"seawall/collector/alert"
	"seawall/collector/alert/door"
)

// Config is what a [Notifier] works with.
type Config struct {
	Routes string // the file of routes
	Socket string // of the collector's desk
	Log    *slog.Logger
}

// Notifier delivers messages.
type Notifier struct {
	cfg    Config
	routes []route
	client *http.Client
}

const (
	perClaim  = 10
	perParcel = 40 * time.Second
	perBatch  = 150 * time.Second // less than a lease
	helloEach = 30 * time.Second
	retry     = 3 * time.Second
	maxAnswer = 64 << 20
	noDesk    = "the collector does not answer"
)

// New reads the routes and their secrets. An error says all that is wrong with them.
func New(c Config) (*Notifier, error) {
	routes, err := load(c.Routes)
	if err != nil {
		return nil, err
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return door.Dial(ctx, c.Socket)
	}
	return &Notifier{c, routes, &http.Client{Transport: &http.Transport{DialContext: dial}}}, nil
}

// Routes returns the routes, without secrets.
func (n *Notifier) Routes() []alert.Route {
	all := make([]alert.Route, len(n.routes))
	for i := range n.routes {
		all[i] = n.routes[i].Route
	}
	return all
}

// Run delivers until ctx ends. A collector that does not answer is waited for.
func (n *Notifier) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return n.hello(ctx) })
	for i := range n.routes {
		group.Go(func() error { return n.serve(ctx, &n.routes[i]) })
	}
	return group.Wait()
}

// hello tells the collector which routes there are, again and again: it forgets them
// when it starts.
func (n *Notifier) hello(ctx context.Context) error {
	known := false
	for {
		err := n.ask(ctx, http.MethodPut, "/v1/routes", n.Routes(), nil)
		every := helloEach
		if err != nil {
			every = retry
		}
		if ctx.Err() == nil && (err == nil) != known {
			known = err == nil
			n.tell(err)
		}
		if !pause(ctx, every) {
			return nil
		}
	}
}

// tell logs that the collector answers or does not.
func (n *Notifier) tell(err error) {
	if err != nil {
		n.cfg.Log.Warn(noDesk, "socket", n.cfg.Socket, "err", err)
		return
	}
	n.cfg.Log.Info("collector answers", "routes", len(n.routes))
}

// serve delivers what waits for a route.
func (n *Notifier) serve(ctx context.Context, r *route) error {
	for ctx.Err() == nil {
		var parcels []alert.Parcel
		err := n.ask(ctx, http.MethodPost, "/v1/claim?limit="+strconv.Itoa(perClaim)+"&route="+url.QueryEscape(r.Name), nil, &parcels)
		if err != nil {
			// That is told by hello.
			n.cfg.Log.Debug(noDesk, "route", r.Name, "err", err)
			pause(ctx, retry)
			continue
		}
		n.deliver(ctx, r, parcels)
	}
	return nil
}

// deliver sends parcels in order. After one that has to wait, the others are given
// back: the receiver is away for them, too.
func (n *Notifier) deliver(ctx context.Context, r *route, parcels []alert.Parcel) {
	started, away := time.Now(), false
	for _, p := range parcels {
		o := alert.Outcome{ID: p.ID, Result: alert.Untried}
		if !away && time.Since(started) < perBatch-perParcel && ctx.Err() == nil {
			o = n.send(ctx, r, p)
			away = o.Result == alert.Later
		}
		n.report(ctx, o, p.Attempt)
	}
}

// send makes one attempt.
func (n *Notifier) send(ctx context.Context, r *route, p alert.Parcel) alert.Outcome {
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, perParcel)
	defer cancel()
	err := r.Send(limited, p)
	o := alert.Outcome{ID: p.ID, Result: alert.Sent, Took: time.Since(began)}
	log := n.cfg.Log.With("route", r.Name, "message", p.ID, "attempt", p.Attempt, "took", o.Took.Round(time.Millisecond))
	switch busy, isBusy := errors.AsType[*alert.Busy](err); {
	case err == nil:
		log.Info("message is delivered")
		return o
	case errors.Is(err, alert.ErrRefused):
		o.Result = alert.Refused
		log.Error("message is refused", "err", err)
	case isBusy:
		o.Result, o.After = alert.Later, busy.After
		log.Warn("message is not delivered yet", "err", err)
	default:
		o.Result = alert.Later
		log.Warn("message is not delivered yet", "err", err)
	}
	o.Detail = err.Error()
	return o
}

// report tells the collector what became of an attempt until it has heard it, also
// when this process is about to end: what was delivered must not be delivered again.
func (n *Notifier) report(ctx context.Context, o alert.Outcome, attempt int) {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), perBatch)
	defer cancel()
	// Asked to stop: a moment, and not minutes.
	defer context.AfterFunc(ctx, func() {
		if pause(limited, 2*retry) {
			cancel()
		}
	})()
	for {
		err := n.ask(limited, http.MethodPost, "/v1/report?attempt="+strconv.Itoa(attempt), o, nil)
		if err == nil {
			return
		}
		n.cfg.Log.Warn("a delivery is not written down yet", "message", o.ID, "err", err)
		if !pause(limited, retry) {
			n.cfg.Log.Error("a delivery is not written down: it may be made again", "message", o.ID)
			return
		}
	}
}

// ask sends a request to the desk and reads its answer into to, if that is not nil.
func (n *Notifier) ask(ctx context.Context, method, path string, body, to any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, "http://collector"+path, bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	answer, err := n.client.Do(r)
	if err != nil {
		return fmt.Errorf("ask the collector: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("ask the collector: %s", answer.Status)
	}
	if to == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(to); err != nil {
		return fmt.Errorf("read the collector's answer: %w", err)
	}
	return nil
}

// pause waits, and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
