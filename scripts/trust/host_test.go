package trust

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"seawall/agent/enrol"
	"seawall/agent/identity"
	"seawall/agent/machine"
	"seawall/agent/spool"
	"seawall/agent/uplink"
	seawallv1 "seawall/proto/seawall/v1"
)

// host is a host's uplink, put together as the program does it, and its spool.
type host struct {
	t         *testing.T
	clock     *clock
	dir       string // state
	spoolDir  string
	collector string
	keepToken bool
	machine   machine.Machine

	spool *spool.Spool
	id    *identity.Identity
	stop  context.CancelFunc
	done  chan error

	mu     sync.Mutex
	enrol  enrol.State
	uplink uplink.State
	noted  chan struct{} // a state changed
}

// newHost is a host on a machine of its own.
func newHost(t *testing.T, c *collector, droplet string) *host {
	t.Helper()
	h := &host{t: t, clock: c.clock, dir: t.TempDir(), spoolDir: t.TempDir(), collector: c.address,
		machine: machine.Machine{HostName: "web" + droplet, DropletID: droplet, MachineID: "aa"}, noted: make(chan struct{}, 1)}
	h.openSpool()
	t.Cleanup(h.end)
	return h
}

func (h *host) openSpool() {
	h.t.Helper()
	var err error
	if h.spool, err = spool.Open(h.spoolDir, spool.Config{}); err != nil {
		h.t.Fatal(err)
	}
	s := h.spool
	h.t.Cleanup(func() { s.Close() })
}

// copyTo is what starts from an image of this host's disk on another machine.
func (h *host) copyTo(c *collector, droplet string) *host {
	h.t.Helper()
	other := &host{t: h.t, clock: h.clock, dir: h.t.TempDir(), spoolDir: h.t.TempDir(), collector: c.address,
		machine: h.machine, keepToken: h.keepToken, noted: make(chan struct{}, 1)}
	other.machine.DropletID = droplet
	copyTree(h.t, h.dir, other.dir)
	other.openSpool()
	h.t.Cleanup(other.end)
	return other
}

// give puts a token into the token file.
func (h *host) give(token string) {
	h.t.Helper()
	name := filepath.Join(h.dir, "token")
	// Another file, as an administrator's editor leaves it.
	if err := errors.Join(os.WriteFile(name+".new", []byte(token+"\n"), 0o600), os.Rename(name+".new", name)); err != nil {
		h.t.Fatal(err)
	}
}

// start runs it until end.
func (h *host) start() {
	h.t.Helper()
	id, err := identity.Open(h.dir, identity.Config{Now: h.clock.Now})
	if err != nil {
		h.t.Fatal(err)
	}
	h.id = id
	h.mu.Lock()
	h.enrol, h.uplink = enrol.State{}, uplink.State{}
	h.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	h.stop, h.done = cancel, make(chan error, 1)
	go func() { h.done <- h.run(ctx) }()
}

func (h *host) enrolment(log *slog.Logger) *enrol.Enrolment {
	return enrol.New(enrol.Config{
		Identity: h.id, StateDir: h.dir, Collector: h.collector, TokenFile: filepath.Join(h.dir, "token"), KeepToken: h.keepToken,
		Machine: func() (machine.Machine, error) { return h.machine, nil }, MaxBackoff: 50 * time.Millisecond,
		Log: log, Now: h.clock.Now,
		OnChange: func(s enrol.State) { h.note(func() { h.enrol = s }) },
		// Pauses are short, and are no part of the clock.
		Wait: func(ctx context.Context, d time.Duration) bool {
			pause, cancel := context.WithTimeout(ctx, min(d, 5*time.Millisecond))
			defer cancel()
			<-pause.Done()
			return ctx.Err() == nil
		},
	})
}

func (h *host) run(ctx context.Context) error {
	log := slog.New(slog.NewTextHandler(&testLog{t: h.t}, nil)).With("host", h.machine.HostName)
	e := h.enrolment(log)
	for {
		if err := e.Ensure(ctx); err != nil {
			return err
		}
		u, err := uplink.New(uplink.Config{
			Spool: h.spoolDir, StateDir: h.dir, Collector: h.collector, Identity: h.id, Prepare: e.Prepare,
			MaxBackoff: 100 * time.Millisecond, Log: log,
			OnChange: func(s uplink.State) {
				if s.Connected {
					e.Told(seawallv1.Reason_REASON_UNSPECIFIED)
				} else if s.Refusal != "" {
					e.Told(enrol.Reason(s.Refusal))
				}
				h.note(func() { h.uplink = s })
			},
		})
		if err != nil {
			return err
		}
		g, inner := errgroup.WithContext(ctx)
		g.Go(func() error { return u.Run(inner) })
		g.Go(func() error { return e.Keep(inner) })
		g.Go(func() error { return h.follow(inner, u) })
		if err := g.Wait(); !errors.Is(err, enrol.ErrAnew) {
			return err
		}
	}
}

// follow notes what was acknowledged.
func (h *host) follow(ctx context.Context, u *uplink.Uplink) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			s := u.State()
			h.note(func() { h.uplink.Acked = s.Acked })
		}
	}
}

func (h *host) note(change func()) {
	h.mu.Lock()
	change()
	h.mu.Unlock()
	select {
	case h.noted <- struct{}{}:
	default:
	}
}

// end stops it, as a host is shut down.
func (h *host) end() {
	if h.stop == nil {
		return
	}
	h.stop()
	h.stop = nil
	if err := <-h.done; err != nil && !errors.Is(err, context.Canceled) {
		h.t.Errorf("%s: %v", h.machine.HostName, err)
	}
}

// await waits until what the host knows of itself is so.
func (h *host) await(what string, is func(e enrol.State, u uplink.State) bool) {
	h.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		h.mu.Lock()
		e, u := h.enrol, h.uplink
		h.mu.Unlock()
		if is(e, u) {
			return
		}
		select {
		case <-h.noted:
		case <-deadline.C:
			h.t.Fatalf("%s: %s: not in %v: %+v, %+v", h.machine.HostName, what, patience, e, u)
		}
	}
}

// refused waits for a refusal with that word.
func (h *host) refused(word string) {
	h.t.Helper()
	h.await("being told "+word, func(e enrol.State, _ uplink.State) bool {
		return e.Phase == enrol.Refused && contains(e.Problem, word)
	})
}

// delivers appends a record and waits for its acknowledgement.
func (h *host) delivers() {
	h.t.Helper()
	at, err := h.spool.AppendSync("posture", []byte("a record"))
	if err != nil {
		h.t.Fatal(err)
	}
	h.await("an acknowledgement", func(_ enrol.State, u uplink.State) bool {
		got := u.Acked["posture"]
		return got.Epoch == at.Epoch && got.Seq >= at.Seq
	})
}
