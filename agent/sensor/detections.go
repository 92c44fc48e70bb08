package sensor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// laneDetections holds what the detections found, apart from posture.
const laneDetections = "detections"

// endWait bounds how long the end waits for the last detections.
const endWait = 5 * time.Second

// Detections is how a Sensor takes what is found in audit events, by whoever sees them
// through Config.Audit. The zero value finds none.
type Detections struct {
	// Ready is sent to when there is something to deliver.
	Ready <-chan struct{}
	// Deliver gives each detection that waits to to, until one could not be delivered.
	Deliver func(to func(*finding.Detection) error) error
	// Close is called after the last audit event; Deliver then has the rest.
	Close func()
	// Count adds to a heartbeat's counters.
	Count func(*finding.Counters)
}

// none finds nothing.
func none() Detections {
	return Detections{Deliver: func(func(*finding.Detection) error) error { return nil }, Close: func() {}, Count: func(*finding.Counters) {}}
}

// telling is the delivery of detections to the spool.
type telling struct {
	retry   time.Time // when to try again, zero where nothing failed
	backoff time.Duration
}

// deliver brings detections into the spool until ctx ends, and then the last of them. It
// is beside the loop, which may be busy with checks for seconds.
func (s *Sensor) deliver(ctx context.Context) error {
	retry := time.NewTimer(time.Hour)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			s.last()
			return ctx.Err()
		case <-s.cfg.Detections.Ready:
		case <-retry.C:
		}
		s.tell(time.Now())
		if !s.telling.retry.IsZero() {
			retry.Reset(time.Until(s.telling.retry))
		}
	}
}

// tell appends what was found, and makes it durable. What cannot be appended stays
// where it is, and is tried again.
func (s *Sensor) tell(now time.Time) {
	if now.Before(s.telling.retry) {
		return
	}
	told := 0
	err := s.cfg.Detections.Deliver(func(d *finding.Detection) error {
		payload, err := wire.Encode(wire.Record{Time: now, Detection: d})
		if err != nil {
			s.log.Error("a detection cannot be told", "rule", d.Rule, "err", err)
			return nil // nor could it be later
		}
		if _, err := s.cfg.Spool.Append(laneDetections, payload); err != nil {
			return fmt.Errorf("append to spool lane %s: %w", laneDetections, err)
		}
		told++
		return nil
	})
	if told > 0 {
		err = errors.Join(err, s.cfg.Spool.Sync())
	}
	if err == nil {
		s.telling = telling{}
		return
	}
	if s.telling.retry.IsZero() {
		s.log.Error("detection not in the spool, trying again", "err", err)
	}
	s.telling.backoff = min(max(2*s.telling.backoff, minBackoff), maxBackoff)
	s.telling.retry = now.Add(s.telling.backoff)
}

// last tells what was found until audit events ended.
func (s *Sensor) last() {
	end := time.NewTimer(endWait)
	defer end.Stop()
	select {
	case <-s.deaf:
	case <-end.C:
		s.log.Warn("kernel audit does not end")
	}
	s.telling.retry = time.Time{}
	s.tell(time.Now())
}
