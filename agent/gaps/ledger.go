package gaps

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"seawall/pkg/hostfs"
)

// Kept is how many gaps a Ledger holds.
const Kept = 256

// maxFile bounds the file of a Ledger.
const maxFile = 1 << 20

// Ledger is what is known of gaps, and what else of kernel audit only the sensor knows.
// It is not safe for concurrent use.
type Ledger struct {
	Boot  string    `json:"boot"` // boot_id of the kernel whose serials these are
	Since time.Time `json:"since"`
	Gaps  []Gap     `json:"gaps"` // oldest first
	// Sums over all gaps of this boot, those that were merged included.
	Missing uint64 `json:"missing"`
	Filled  uint64 `json:"filled"`
	Late    uint64 `json:"late"`
	// Through is the serial up to which all that is missing is in Gaps, and KernelLost the
	// kernel's count of lost events up to which they are: where the next sensor goes on.
	Through    uint32  `json:"through"`
	KernelLost *uint32 `json:"kernel_lost,omitempty"`
	State      State   `json:"state"`

	changed bool
}

// State is what a sensor that runs knows of kernel audit.
type State struct {
	Time    time.Time `json:"time"`
	PID     int       `json:"pid"` // the sensor
	Mode    string    `json:"mode"`
	Reason  string    `json:"reason"`
	Profile string    `json:"profile"`
	Buffer  int       `json:"buffer"` // bytes of the socket's receive buffer

	Records     uint64 `json:"records"`
	Events      uint64 `json:"events"`
	Partial     uint64 `json:"partial"`
	Overruns    uint64 `json:"overruns"`
	BacklogHigh uint32 `json:"backlog_high"` // most records seen in the kernel's queue

	RulesWanted  int      `json:"rules_wanted"`
	RulesLoaded  int      `json:"rules_loaded"`
	RulesShared  int      `json:"rules_shared"` // a rule of the user's does the same
	RulesRefused []string `json:"rules_refused"`
	Problems     []string `json:"problems"` // of the rules files
	// Hits counts the events of each key since the sensor began.
	Hits    map[string]uint64 `json:"hits"`
	LogFile string            `json:"log_file"` // that gaps are filled from, or empty
}

// NewLedger returns an empty one for this boot.
func NewLedger(boot string, now time.Time) *Ledger { return &Ledger{Boot: boot, Since: now} }

// ReadLedger reads what a Ledger wrote.
func ReadLedger(root hostfs.Root, name string) (*Ledger, error) {
	b, err := root.ReadFile(name, maxFile)
	if err != nil {
		return nil, err
	}
	l := &Ledger{}
	if err := json.Unmarshal(b, l); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(l.Gaps) > Kept {
		l.Gaps = l.Gaps[len(l.Gaps)-Kept:]
	}
	return l, nil
}

// Add files a gap.
func (l *Ledger) Add(g Gap) {
	l.Gaps = append(l.Gaps, g)
	l.Missing += g.Missing
	l.changed = true
	if len(l.Gaps) <= Kept {
		return
	}
	// Those without serials are never a part of one that has them.
	of := map[bool]int{}
	for i := range l.Gaps {
		class := l.Gaps[i].Cause == Backlog
		if older, ok := of[class]; ok {
			l.Gaps[i] = Merge(l.Gaps[older], l.Gaps[i])
			l.Gaps = append(l.Gaps[:older], l.Gaps[older+1:]...)
			return
		}
		of[class] = i
	}
}

// Merge makes one gap of two, of which a is the older.
func Merge(a, b Gap) Gap {
	m := b
	m.From, m.Before, m.Found = a.From, a.Before, a.Found
	m.Missing, m.Filled, m.Late = a.Missing+b.Missing, a.Filled+b.Filled, a.Late+b.Late
	m.Merged = a.Merged + b.Merged + 1
	m.Settled = true
	if a.Cause != b.Cause {
		m.Cause = Several
	}
	if a.Why != b.Why {
		m.Why = ""
	}
	return m
}

// Left is how many events are missing still.
func (l *Ledger) Left() uint64 { return l.Missing - min(l.Missing, l.Filled+l.Late) }

// Found is how many gaps were filed, those that were merged included.
func (l *Ledger) Found() (n uint64) {
	for i := range l.Gaps {
		n += uint64(1 + l.Gaps[i].Merged)
	}
	return n
}

// MergeAll makes one gap of several, the oldest first; any is false where there are none.
func MergeAll(gaps []Gap) (g Gap, any bool) {
	for i, next := range gaps {
		if i == 0 {
			g = next
		} else {
			g = Merge(g, next)
		}
	}
	return g, len(gaps) > 0
}

// Missing is how many events were missing in all of the gaps.
func Missing(gaps []Gap) (n uint64) {
	for i := range gaps {
		n += gaps[i].Missing
	}
	return n
}

// Pending returns the gaps that may still be filled.
func (l *Ledger) Pending() []*Gap {
	var open []*Gap
	for i := range l.Gaps {
		if l.Gaps[i].Fillable() {
			open = append(open, &l.Gaps[i])
		}
	}
	return open
}

// Came takes an event off the gap that its serial is in, if it is in one: read from
// another's log, or come late. Whoever fills gaps must not say so twice of one serial.
func (l *Ledger) Came(serial uint32, filled bool) bool {
	for i := len(l.Gaps) - 1; i >= 0; i-- {
		g := &l.Gaps[i]
		if g.Cause == Backlog || int32(serial-g.From) < 0 || int32(serial-g.To) > 0 || g.Left() == 0 {
			continue
		}
		l.changed = true
		if filled {
			g.Filled++
			l.Filled++
		} else {
			g.Late++
			l.Late++
		}
		return true
	}
	return false
}

// Agree has the ledger say of each gap what a mark that is newer says: how much of it came
// before the sensor was killed and is not noted here. Of one that is to be filled, and that
// the mark does not reach, nobody knows what was filled: it begins anew.
func (l *Ledger) Agree(m *Mark) {
	for i := range l.Gaps {
		g := &l.Gaps[i]
		if g.Cause == Backlog {
			continue
		}
		left, known := m.Missing(g.From, g.To)
		switch {
		case known && left < g.Left() && g.Settled:
			l.Late += g.Left() - left
			g.Late += g.Left() - left
		case known && left < g.Left():
			l.Filled += g.Left() - left
			g.Filled += g.Left() - left
		case !known && !g.Settled:
			l.Filled -= min(l.Filled, g.Filled)
			g.Filled = 0
		}
	}
}

// Settle ends what is done about the gap that began with the serials from and to, and
// returns it. It is not there when it became a part of another.
func (l *Ledger) Settle(from, to uint32, why string) (Gap, bool) {
	for i := len(l.Gaps) - 1; i >= 0; i-- {
		g := &l.Gaps[i]
		if g.From != from || g.To != to || g.Settled {
			continue
		}
		g.Settled, l.changed = true, true
		if g.Left() > 0 {
			g.Why = why
		}
		return *g, true
	}
	return Gap{}, false
}

// Note sets what the sensor knows now.
func (l *Ledger) Note(s State) { l.State, l.changed = s, true }

// Changed reports whether there is something that Encode did not return yet.
func (l *Ledger) Changed() bool { return l.changed }

// Encode returns what WriteFile is to write, nil when nothing changed since the last time.
func (l *Ledger) Encode() ([]byte, error) {
	if !l.changed {
		return nil, nil
	}
	b, err := json.Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("audit gaps: %w", err)
	}
	l.changed = false
	return append(b, '\n'), nil
}

// WriteFile writes an encoded ledger: to a file beside and then over name, so that readers
// see one or the other.
func WriteFile(name string, encoded []byte) error {
	next := name + ".new"
	if err := os.WriteFile(next, encoded, 0o640); err != nil {
		return fmt.Errorf("audit gaps: %w", err)
	}
	if err := os.Rename(next, name); err != nil {
		return fmt.Errorf("audit gaps: %w", err)
	}
	return nil
}
