package enrol

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	seawallv1 "seawall/proto/seawall/v1"
)

const (
	keepPoll  = time.Minute
	renewBase = 30 * time.Second
	renewMost = time.Hour
	renewFrom = 3 // the part of its life after which a certificate is renewed
	renewOver = 6 // the part of it that renewals are spread over
)

// ErrAnew says that this host has to be enrolled anew: it is another machine now,
// or it was refused and has a new token.
var ErrAnew = errors.New("this host has to enrol anew")

// Keep renews the certificate when it is time, until ctx ends, which is no error,
// or the host has to be enrolled anew: ErrAnew.
func (e *Enrolment) Keep(ctx context.Context) error {
	for {
		if e.moved() || e.invited() {
			return ErrAnew
		}
		if now := e.cfg.Now(); !now.Before(e.due()) && !now.Before(e.held().next) {
			// The state tells people, and Prepare the uplink.
			_ = e.Renew(ctx)
		}
		e.clean()
		e.rest(ctx)
		if ctx.Err() != nil {
			return nil
		}
	}
}

// rest waits for the next look, which is soon when this host is refused: there may
// be a token for it.
func (e *Enrolment) rest(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	e.mu.Lock()
	e.wake = cancel
	step := keepPoll
	if e.hold.bar != nil {
		step = tokenPoll
	}
	e.mu.Unlock()
	e.cfg.Wait(ctx, step)
}

// Prepare makes the certificate good for a connection, and is called before each.
// Its error says why there should be none now.
func (e *Enrolment) Prepare(ctx context.Context) error {
	if !e.id.Enrolled() || e.moved() {
		return ErrAnew
	}
	now, h := e.cfg.Now(), e.held()
	if now.Before(e.id.Expires()) && !h.stale {
		return nil
	}
	if h.bar != nil && now.Before(h.next) {
		return fmt.Errorf("certificate not renewed: %w", h.bar)
	}
	return e.Renew(ctx)
}

// Renew renews the certificate now.
func (e *Enrolment) Renew(ctx context.Context) error {
	e.renewal.Lock()
	defer e.renewal.Unlock()
	before := e.id.Expires()
	err := e.renew(ctx)
	if err == nil {
		e.mu.Lock()
		e.hold = hold{}
		e.state.Renewed = e.cfg.Now()
		e.mu.Unlock()
		e.tell(Enrolled, "")
		e.cfg.Log.Info("certificate renewed", "expires", e.id.Expires())
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var p *Problem
	if errors.As(err, &p) {
		e.refuse(p)
		return fmt.Errorf("renew certificate: %w", err)
	}
	e.mu.Lock()
	pause := jitter(renewMost, renewBase, e.hold.failed)
	e.hold.failed++
	e.hold.next = e.cfg.Now().Add(pause)
	e.mu.Unlock()
	e.cfg.Log.Warn("certificate not renewed", "expires", before, "retry", pause.Round(time.Second), "err", plain(err))
	return fmt.Errorf("renew certificate: %w", err)
}

// Told takes note of what the collector said of this host on the stream; no reason
// means that it was welcome.
func (e *Enrolment) Told(reason seawallv1.Reason) {
	switch reason {
	case seawallv1.Reason_REASON_UNSPECIFIED:
		e.lift()
		e.tell(Enrolled, "")
	case seawallv1.Reason_REASON_CERTIFICATE_EXPIRED:
		e.mu.Lock()
		e.hold.stale = true
		e.mu.Unlock()
	default:
		e.refuse(&Problem{reason, errors.New(Word(reason))})
	}
}

// refuse takes note of why the identity is refused.
func (e *Enrolment) refuse(p *Problem) {
	e.mu.Lock()
	if e.hold.bar == nil && e.wake != nil {
		e.wake()
	}
	e.hold.bar = p
	e.hold.next = e.cfg.Now().Add(rare())
	e.mu.Unlock()
	why := plain(p)
	if e.tell(Refused, why) {
		e.cfg.Log.Error("this host is refused", "collector", e.cfg.Collector, "host", e.id.Host(), "err", why)
	}
}

// lift forgets what was held against an identity.
func (e *Enrolment) lift() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.hold = hold{}
}

func (e *Enrolment) held() hold {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.hold
}

func (e *Enrolment) barred() bool { return e.held().bar != nil }

// moved reports whether this is certainly another machine than the one that the
// key belongs to.
func (e *Enrolment) moved() bool {
	// What the sensor did not say yet is unknown, and decides nothing.
	m, _ := e.cfg.Machine()
	return m.Differs(e.id.Machine())
}

// invited reports whether a host that is refused has a token to come anew with.
func (e *Enrolment) invited() bool {
	if !e.barred() {
		return false
	}
	_, err := e.readToken()
	return err == nil
}

// due returns when the certificate is to be renewed.
func (e *Enrolment) due() time.Time {
	from, to := e.id.Lifetime()
	key, err := hex.DecodeString(e.id.KeyID())
	if err != nil {
		key = nil // it is a number
	}
	return due(from, to, key)
}

// due is after a third of the life, and by each key a little later.
func due(from, to time.Time, key []byte) time.Time {
	life := to.Sub(from)
	spread := 0
	if len(key) >= 2 {
		spread = int(key[0])<<8 | int(key[1])
	}
	return from.Add(life/renewFrom + life/renewOver/(1<<16)*time.Duration(spread))
}
