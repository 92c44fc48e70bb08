package enrol

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"seawall/agent/identity"
	"seawall/agent/machine"
	"seawall/pkg/token"
	seawallv1 "seawall/proto/seawall/v1"
)

// Pauses.
const (
	baseBackoff  = 200 * time.Millisecond
	tokenPoll    = 2 * time.Second // how soon a new token is seen
	machinePoll  = 500 * time.Millisecond
	machineWait  = 6 // times machinePoll, for the sensor's word
	rareFrom     = 5 * time.Minute
	rareTo       = 15 * time.Minute
	pendingLeast = time.Second
	pendingMost  = 10 * time.Minute
	forever      = 1<<63 - 1
)

// Config says who enrols where. All fields but those that say otherwise must be set.
type Config struct {
	Identity   *identity.Identity
	StateDir   string
	Collector  string // host:port
	TokenFile  string
	KeepToken  bool                            // for images of which many hosts are made
	Machine    func() (machine.Machine, error) // as machine.Known
	MaxBackoff time.Duration                   // default 60 s
	Attended   bool                            // a person waits: Ensure returns a Problem
	Version    string                          // of this program; a label
	Log        *slog.Logger
	OnChange   func(State)                                     // told when the state changes; optional, must not block
	Now        func() time.Time                                // default time.Now
	Wait       func(ctx context.Context, d time.Duration) bool // default a timer; false when ctx ended first
}

// Enrolment is a host's standing with one collector. Ensure and Keep are called by
// one goroutine; the other methods may be called by any.
type Enrolment struct {
	cfg      Config
	id       *identity.Identity
	seen     string      // mark of the token file when it was read last
	spent    token.Token // refused for good
	littered bool        // that the used token is still there was told

	renewal sync.Mutex // one renewal at a time; before mu

	mu    sync.Mutex
	state State
	hold  hold
	wake  func() // ends Keep's rest
}

// hold is what keeps an identity from being used or renewed.
type hold struct {
	bar    *Problem  // the collector refuses it
	stale  bool      // the collector says that the certificate has expired
	next   time.Time // no renewal before
	failed int       // renewals in a row
}

// New returns an enrolment of the host with that identity.
func New(cfg Config) *Enrolment {
	if cfg.MaxBackoff == 0 {
		cfg.MaxBackoff = time.Minute
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Wait == nil {
		cfg.Wait = sleep
	}
	e := &Enrolment{cfg: cfg, id: cfg.Identity}
	if old, err := ReadState(cfg.StateDir); err == nil {
		e.state = old
	}
	return e
}

// sleep reports whether it slept to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// Ensure returns when this host is enrolled, on this machine. Its error is that of
// ctx, one of the state directory, or, where a person waits, a Problem.
func (e *Enrolment) Ensure(ctx context.Context) error {
	if err := e.settle(ctx); err != nil {
		return err
	}
	for n := 0; ; n++ {
		err := e.attempt(ctx)
		if err == nil {
			return e.finish()
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		pause := e.judge(err, n)
		if e.cfg.Attended && errors.As(err, new(*Problem)) {
			return err
		}
		if !e.await(ctx, pause) {
			return ctx.Err()
		}
	}
}

// settle compares the machine with the one that the key belongs to, and gives it a
// key of its own when it is another. The sensor's word on the machine is waited for
// a little where something would be missing without it.
func (e *Enrolment) settle(ctx context.Context) error {
	sealed := e.id.Machine()
	var m machine.Machine
	var err error
	for range machineWait {
		m, err = e.cfg.Machine()
		if err == nil || sealed != (machine.Machine{}) && m.Covers(sealed) {
			break
		}
		if !e.cfg.Wait(ctx, machinePoll) {
			return ctx.Err()
		}
	}
	if err != nil {
		e.cfg.Log.Info("machine not wholly known", "err", err)
	}
	if !m.Differs(sealed) {
		return e.id.Seal(m.Add(sealed))
	}
	original := e.id.Host()
	if err := e.id.SetAside(m); err != nil {
		return err
	}
	e.lift()
	if original != "" {
		e.cfg.Log.Warn("this machine is a copy of another: it enrols as a host of its own", "original", original)
	}
	return nil
}

// attempt makes the host enrolled, if it can be at once.
func (e *Enrolment) attempt(ctx context.Context) error {
	bar := e.held().bar
	if e.id.Enrolled() && bar == nil {
		return nil
	}
	original, err := e.original()
	if err != nil {
		return err
	}
	t, err := e.readToken()
	switch {
	case err == nil && bar != nil && bar.spoilt():
		if err := e.id.Discard(); err != nil {
			return err
		}
		e.lift()
		fallthrough
	case err == nil:
		return e.tried(t, e.byToken(ctx, t, original))
	case errors.Is(err, errNoToken) && original != nil && !e.id.Enrolled():
		return e.asCopy(ctx, original)
	}
	return err
}

// original returns the identity that this host is a copy of, or nil.
func (e *Enrolment) original() (*identity.Identity, error) {
	original, err := e.id.Original()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.state.CopyOf = original.Host()
	return original, nil
}

// tried remembers a token that was refused for good.
func (e *Enrolment) tried(t token.Token, err error) error {
	var p *Problem
	if !errors.As(err, &p) {
		return err
	}
	if p.spoilt() {
		e.refuse(p)
	}
	if p.Reason != seawallv1.Reason_REASON_FULL && p.Reason != seawallv1.Reason_REASON_REJECTED {
		e.spent = t
	}
	return err
}

// judge tells of an attempt's error and returns how long to wait, unless another
// token comes.
func (e *Enrolment) judge(err error, n int) time.Duration {
	var wait *pending
	var p *Problem
	switch {
	case errors.As(err, &wait):
		if e.tell(Pending, "approve it: seawall-collector host approve "+e.id.KeyID()) {
			e.cfg.Log.Warn("waiting for approval", "collector", e.cfg.Collector, "key", e.id.KeyID())
		}
		within := min(max(wait.within, pendingLeast), pendingMost)
		return within/2 + rand.N(within/2)
	case errors.Is(err, errNoToken):
		return e.idle()
	case errors.As(err, &p):
		why, phase, pause := plain(p), Refused, rare()
		if p.Reason == seawallv1.Reason_REASON_UNSPECIFIED { // the token file's fault
			phase, pause = BadToken, forever
		}
		if e.tell(phase, why) {
			e.cfg.Log.Error("not enrolled", "collector", e.cfg.Collector, "phase", phase, "err", why)
		}
		return pause
	}
	why := plain(err)
	pause := jitter(e.cfg.MaxBackoff, baseBackoff, n)
	level := slog.LevelDebug
	if e.tell(Trying, why) {
		level = slog.LevelWarn
	}
	e.cfg.Log.Log(context.Background(), level, "not enrolled", "collector", e.cfg.Collector, "retry", pause.Round(time.Millisecond), "err", why)
	return pause
}

// idle tells, once, that a token is needed. A token or a host that was refused
// before says more, and stays told.
func (e *Enrolment) idle() time.Duration {
	if s := e.State(); s.Phase == Refused && (e.spent != token.Token{} || e.barred()) {
		return forever
	}
	problem := fmt.Sprintf("make a token (seawall-collector token create) and put it in %s, mode 0600, or run seawall-uplink enroll", e.cfg.TokenFile)
	if e.tell(noToken, problem) {
		e.cfg.Log.Warn("waiting for a token", "file", e.cfg.TokenFile)
	}
	return forever
}

// finish leaves nothing of the enrolment that is not needed any more.
func (e *Enrolment) finish() error {
	if e.tell(Enrolled, "") {
		e.cfg.Log.Info("enrolled", "host", e.id.Host(), "expires", e.id.Expires())
	}
	if _, err := e.id.Original(); !errors.Is(err, fs.ErrNotExist) {
		if err := e.id.DropOriginal(); err != nil {
			return err
		}
	}
	e.clean()
	return nil
}

// await waits so long, or until the token file is another; false when ctx ended.
func (e *Enrolment) await(ctx context.Context, d time.Duration) bool {
	for d > 0 {
		step := min(d, tokenPoll)
		if !e.cfg.Wait(ctx, step) {
			return false
		}
		if mark(e.cfg.TokenFile) != e.seen {
			return true
		}
		d -= step
	}
	return ctx.Err() == nil
}

// jitter draws a pause before attempt n, counted from 0: full jitter on the capped
// value, so that hosts that lost their collector together do not come back together.
func jitter(most, base time.Duration, n int) time.Duration {
	for ; n > 0 && base < most; n-- {
		base *= 2
	}
	return rand.N(min(base, most))
}

func rare() time.Duration { return rareFrom + rand.N(rareTo-rareFrom) }
