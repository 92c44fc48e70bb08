package enrol

import (
	"context"
	"errors"
	"fmt"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/store/membership"
	"seawall/collector/trail"
	"seawall/pkg/finding"
	seawallv1 "seawall/proto/seawall/v1"
)

// The bounds of requests.
const (
	maxWaiting  = 1000
	maxCopies   = 100    // waiting, of one host
	maxRejected = 10_000 // remembered
	unseen      = 14 * 24 * time.Hour
	// seenEvery is how often it is noted that a host still waits.
	seenEvery = 10 * time.Minute
)

// wait has a host wait for a person. r is its request, if it waits already.
func (s *Service) wait(tx *membership.Tx, a *application, t fleet.Token, r fleet.Request) (verdict, error) {
	now := tx.Now()
	if r.Decision != "" && r.Token == a.token {
		if now.Sub(r.Again) < seenEvery && r.From == a.from {
			return verdict{waits: true}, nil
		}
		r.Again, r.From = now, a.from
		return verdict{waits: true}, tx.PutRequest(r)
	}
	if r.Decision == "" {
		room, err := makeRoom(tx, a.original)
		if err != nil {
			return verdict{}, err
		}
		if !room {
			return refused(seawallv1.Reason_REASON_FULL)
		}
		if a.original != "" {
			told := fmt.Sprintf("a copy of this host, %q at %s, asks for an identity of its own", a.machine.HostName, a.from)
			if err := tx.Tell(a.original, "clone", finding.SeverityMedium, told); err != nil {
				return verdict{}, err
			}
		}
		r.Asked = now
	}
	counted, err := count(tx, a, t, r)
	if err != nil {
		return verdict{}, err
	}
	return verdict{waits: true, token: counted}, tx.PutRequest(fleet.Request{
		Key: a.hash, Machine: a.machine, From: a.from, Token: a.token, CloneOf: a.original,
		Asked: r.Asked, Again: now, Decision: fleet.Waiting,
	})
}

// makeRoom forgets requests that nobody repeats, and reports whether there is room
// for one more, a copy of that host or of none.
func makeRoom(tx *membership.Tx, original fleet.HostID) (bool, error) {
	all, err := tx.Requests()
	if err != nil {
		return false, err
	}
	waiting, copies, rejected := 0, 0, 0
	for _, r := range all {
		switch {
		case r.Decision == fleet.Rejected:
			rejected++
		case tx.Now().Sub(r.Again) > unseen:
			if err := tx.DeleteRequest(r.Key); err != nil {
				return false, err
			}
		default:
			waiting++
			if original != "" && r.CloneOf == original {
				copies++
			}
		}
	}
	for _, r := range all {
		if rejected <= maxRejected {
			break
		}
		if r.Decision == fleet.Rejected { // the oldest first
			rejected--
			if err := tx.DeleteRequest(r.Key); err != nil {
				return false, err
			}
		}
	}
	return waiting < maxWaiting && copies < maxCopies, nil
}

// ErrNoRequest is returned for a request that is not there.
var ErrNoRequest = errors.New("no such request")

// Decide keeps what a person decided on a request. An approved host is admitted
// when it asks again.
func (s *Service) Decide(ctx context.Context, id string, d fleet.Decision) (fleet.Request, error) {
	var found fleet.Request
	err := s.cfg.Update(ctx, func(tx *membership.Tx) error {
		all, err := tx.Requests()
		if err != nil {
			return err
		}
		for _, r := range all {
			if r.ID == id {
				r.Decision = d
				found = r
				if err := tx.PutRequest(r); err != nil {
					return err
				}
				return tx.Did(trail.By(ctx), "request "+string(d), r.ID, r.Machine.HostName)
			}
		}
		return fmt.Errorf("%w: %s", ErrNoRequest, id)
	})
	return found, err
}
