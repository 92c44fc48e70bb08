package sentry

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"seawall/agent/gaps"
	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// GapRule names the detection of audit events that are missing.
const GapRule = "audit-gap"

const (
	gapQuiet  = 10 * time.Minute // ends one
	gapAgain  = 5 * time.Minute  // between two reports of one
	gapMany   = 1000             // events from which on it is grave
	gapWords  = 8                // gaps whose story is told
	gapLength = 4 << 10
)

// hole is the gaps of one time of loss, which are one detection.
type hole struct {
	d    finding.Detection
	told uint64 // the count that was reported
	at   time.Time
	seen time.Time
	n    int
}

// Gap takes a gap that stays: it belongs to the goroutine that reads events. Gaps that
// follow each other are one detection, whose count is the events that are missing.
func (s *Sentry) Gap(g gaps.Gap) {
	now := g.Found
	h := s.hole
	if h == nil || now.Sub(h.seen) > gapQuiet {
		s.endHole()
		h = &hole{d: finding.Detection{
			ID: gapID(&g), Rule: GapRule, Title: "Kernel audit events are missing", Severity: finding.SeverityMedium,
			Techniques:     []string{"T1562.012"},
			FalsePositives: []string{"A burst of events that was larger than the kernel's queue or the socket's buffer: raise the backlog, or ask for less"},
			First:          g.Before, Last: g.After,
		}}
		s.hole = h
	}
	h.seen = now
	h.d.Count += max(g.Left(), 1)
	if g.Before.Before(h.d.First) {
		h.d.First = g.Before
	}
	if g.After.After(h.d.Last) {
		h.d.Last = g.After
	}
	if h.d.Count >= gapMany {
		h.d.Severity = finding.SeverityHigh
	}
	if h.n++; h.n <= gapWords {
		if h.d.Description != "" {
			h.d.Description += "\n"
		}
		h.d.Description = text.Clean(h.d.Description+g.String(), gapLength)
	}
	if h.told == 0 {
		s.tellHole(now)
	}
}

// gapID names a gap, the same where it is found again.
func gapID(g *gaps.Gap) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %d %d %d", GapRule, g.From, g.To, g.Before.UnixNano())
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// tellHole reports the gaps so far, if there is room.
func (s *Sentry) tellHole(now time.Time) {
	if h := s.hole; h != nil && h.d.Count > h.told && !s.queue.full() {
		s.queue.put(h.d)
		h.told, h.at = h.d.Count, now
	}
}

// advanceHole reports gaps that came since, and ends what is quiet.
func (s *Sentry) advanceHole(now time.Time) {
	switch h := s.hole; {
	case h == nil:
	case now.Sub(h.seen) > gapQuiet:
		s.endHole()
	case h.told == 0 || now.Sub(h.at) >= gapAgain:
		s.tellHole(now)
	}
}

func (s *Sentry) endHole() {
	if h := s.hole; h != nil && h.d.Count > h.told {
		h.d.Ended = true
		s.queue.put(h.d) // one more than there is room for
	}
	s.hole = nil
}
