package fault

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"seawall/agent/spool"
	"seawall/agent/spool/reader"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
	"seawall/scripts/stage"
)

// order says what a writer process writes.
type order struct {
	Dir      string
	Lanes    map[string]int64
	Segment  int64
	MinFree  int64
	Life     int           // in each finding, with a count
	Records  int           // until it ends; 0 is for ever
	Group    int           // findings between two syncs
	Pace     time.Duration // between two groups
	Interval time.Duration
	Gid      uint32
}

// write is the writer process: the spool's writer as the sensor is, only faster. It
// prints a line before it appends a finding and a line when it is durable:
//
//   - N
//     = LANE EPOCH SEQUENCE N
//     ! why an append or a sync failed
func write(args []string) error {
	var o order
	if err := json.Unmarshal([]byte(args[0]), &o); err != nil {
		return err
	}
	s, err := spool.Open(o.Dir, spool.Config{Lanes: o.Lanes, SegmentBytes: o.Segment, Interval: o.Interval, MinFree: o.MinFree})
	if err != nil {
		return err
	}
	tick := time.NewTicker(max(o.Pace, time.Microsecond))
	defer tick.Stop()
	for n := 0; o.Records == 0 || n < o.Records; {
		var waits []string
		for range max(o.Group, 1) {
			n++
			lane := []string{"posture", "posture", "posture", "health"}[n%4]
			payload, err := wire.Encode(made(o.Life, n))
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(os.Stdout, "+ %d\n", n); err != nil {
				return err // nobody listens
			}
			pos, err := s.Append(lane, payload)
			if err != nil {
				fmt.Fprintf(os.Stdout, "! append: %q\n", err)
				continue
			}
			waits = append(waits, fmt.Sprintf("= %s %d %d %d\n", lane, pos.Epoch, pos.Seq, n))
		}
		// What a sync that failed did not make durable, a later one does.
		if err := s.Sync(); err != nil {
			fmt.Fprintf(os.Stdout, "! sync: %q\n", err)
			waits = nil
		}
		if _, err := os.Stdout.WriteString(strings.Join(waits, "")); err != nil {
			return err
		}
		if o.Pace > 0 {
			<-tick.C
		}
	}
	return s.Close()
}

// made is the finding with a number, which is what it says is actual: one of the size
// and shape of a real one, on one of a few resources.
func made(life, n int) finding.Record {
	now := time.Now().UTC()
	return finding.Record{Time: now, Change: &finding.Change{
		Previous: finding.StatusPass,
		Result: finding.Result{
			Check: "ssh-password-authentication", Resource: strconv.Itoa(n % 64),
			Status: finding.StatusFail, Severity: finding.Severity(3),
			Actual: fmt.Sprintf("%d/%d", life, n), Expected: "PasswordAuthentication no",
			Evidence: []finding.Evidence{{File: "/etc/ssh/sshd_config.d/50-cloud-init.conf", Line: n%40 + 1, Text: "PasswordAuthentication yes"}},
			Time:     now,
		},
	}}
}

// key names a record for ever.
type key struct {
	lane  string
	epoch uint64
	seq   uint64
}

// ledger is what writers said that they wrote.
type ledger struct {
	mu      sync.Mutex
	durable map[key]string // the finding
	tried   map[int]int    // by life, the last number
	failed  map[string]int // by what failed
}

func newLedger() *ledger {
	return &ledger{durable: map[key]string{}, tried: map[int]int{}, failed: map[string]int{}}
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.durable)
}

// failures counts the appends and syncs that failed with a text in the reason.
func (l *ledger) failures(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := 0
	for why, n := range l.failed {
		if strings.Contains(why, text) {
			sum += n
		}
	}
	return sum
}

// may reports whether a finding is one that a writer tried to write.
func (l *ledger) may(found string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	life, n, ok := strings.Cut(found, "/")
	number, err := strconv.Atoi(n)
	lived, err2 := strconv.Atoi(life)
	return ok && err == nil && err2 == nil && number <= l.tried[lived]
}

func (l *ledger) note(life int, line string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := strings.Fields(line)
	switch {
	case len(f) == 2 && f[0] == "+":
		n, err := strconv.Atoi(f[1])
		l.tried[life] = n
		return err
	case len(f) == 5 && f[0] == "=":
		epoch, err := strconv.ParseUint(f[2], 10, 64)
		seq, err2 := strconv.ParseUint(f[3], 10, 64)
		k := key{f[1], epoch, seq}
		if old, ok := l.durable[k]; ok {
			return fmt.Errorf("%+v was given twice: %s and %s", k, old, f[4])
		}
		l.durable[k] = fmt.Sprintf("%d/%s", life, f[4])
		return errors.Join(err, err2)
	case len(f) > 1 && f[0] == "!":
		l.failed[strings.Join(f[1:], " ")]++
		return nil
	}
	return fmt.Errorf("a writer said %q", line)
}

// writer is a running writer process.
type writer struct {
	*stage.Program
	heard chan error // when the pipe ended
}

// startWriter starts a writer under the given command. What it says goes into the
// ledger.
func startWriter(t *testing.T, l *ledger, o order, under ...string) *writer {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &writer{heard: make(chan error, 1), Program: &stage.Program{
		Argv: append(under, "/proc/self/exe", string(text)),
		Env:  []string{envRole + "=writer"},
		Log:  filepath.Join(filepath.Dir(o.Dir), "writer.log"),
		Out:  w,
		Cred: &syscall.Credential{Gid: o.Gid},
	}}
	if len(under) > 0 {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		p.Argv[len(under)] = self
	}
	go func() {
		defer r.Close()
		var problem error
		lines := bufio.NewReader(r)
		for {
			line, err := lines.ReadString('\n')
			if err != nil { // half a line is what a kill cut
				p.heard <- problem
				return
			}
			problem = errors.Join(problem, l.note(o.Life, line))
		}
	}()
	stage.Launch(t, p.Program)
	w.Close()
	return p
}

// settle waits for the end of a writer and of what it said.
func (w *writer) settle(t *testing.T) {
	t.Helper()
	w.Wait()
	if err := <-w.heard; err != nil {
		t.Fatal(err)
	}
}

// stop kills the writer and hears it out.
func (w *writer) stop(t *testing.T) {
	t.Helper()
	w.Kill()
	w.settle(t)
}

// read returns all that readers of the spool are given, and the gaps.
func read(t *testing.T, dir string) (map[key]string, []gap) {
	t.Helper()
	lanes, err := spool.Lanes(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[key]string{}
	var gaps []gap
	for _, lane := range lanes {
		r, err := spool.OpenReader(dir, lane)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for {
			record, err := r.Next()
			if errors.Is(err, reader.ErrEmpty) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range record.Gaps {
				gaps = append(gaps, gap{lane, g.From, g.To, string(g.Reason)})
			}
			k := key{lane, record.Epoch, record.Seq}
			if _, ok := got[k]; ok {
				t.Errorf("%+v was read twice", k)
			}
			got[k] = number(t, record.Payload)
		}
	}
	return got, gaps
}

// gap is a range of records that are gone.
type gap struct {
	lane     string
	from, to uint64
	reason   string
}

// number is what made wrote into a finding.
func number(t *testing.T, payload []byte) string {
	t.Helper()
	record, err := wire.Decode(payload)
	if err != nil {
		t.Fatalf("a wrong record was delivered: %v", err)
	}
	if record.Change == nil {
		return ""
	}
	return record.Change.Result.Actual
}

// whole demands that what was read is what the ledger has: every durable finding but
// those in a gap, and nothing that nobody wrote.
func (l *ledger) whole(t *testing.T, got map[key]string, gaps []gap) {
	t.Helper()
	for k, want := range l.durable {
		switch found, ok := got[k]; {
		case ok && found != want:
			t.Errorf("%+v is finding %s, want %s", k, found, want)
		case !ok && !covered(k, gaps):
			t.Errorf("%+v, finding %s, is durable and gone", k, want)
		}
	}
	for k, found := range got {
		if found != "" && !l.may(found) {
			t.Errorf("%+v holds finding %s, which nobody wrote", k, found)
		}
	}
}

func covered(k key, gaps []gap) bool {
	for _, g := range gaps {
		if g.lane == k.lane && g.from <= k.seq && k.seq <= g.to {
			return true
		}
	}
	return false
}
