package host

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store/schema"
	"seawall/collector/store/sqlite"
	"seawall/pkg/finding"
)

var (
	noon = time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC)
	id   = fleet.HostID(strings.Repeat("0a", 16))
)

// writer is a database with one host, and the transactions on it.
type writer struct {
	t      testing.TB
	db     *sqlite.Writer
	known  Known
	limits Limits
	now    time.Time
	log    strings.Builder
}

func open(t testing.TB) *writer {
	t.Helper()
	d, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if _, err := schema.Migrate(t.Context(), d.Writer.Conn); err != nil {
		t.Fatal(err)
	}
	w := &writer{t: t, db: d.Writer, known: Known{}, now: noon}
	w.limits = Limits{Results: 100, Detections: 100, Log: slog.New(slog.NewTextHandler(&w.log, nil))}
	key, err := id.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	// Nothing here is about durability.
	if err := errors.Join(w.db.Exec("PRAGMA synchronous = OFF"),
		w.db.Exec("INSERT INTO host (host, first_seen, last_seen) VALUES (?, ?, ?)", key, noon.UnixNano(), noon.UnixNano())); err != nil {
		t.Fatal(err)
	}
	return w
}

// within does something with the host in a transaction, which is undone where it
// fails, and returns what was told.
func (w *writer) within(do func(*Host) error) ([]fleet.Event, error) {
	w.t.Helper()
	return w.with(w.db, func(b *Batch) error {
		h, err := b.Open(id)
		if err != nil {
			return err
		}
		return do(h)
	})
}

// with does something in a transaction on a writer to the same database.
func (w *writer) with(to db.Writer, do func(*Batch) error) ([]fleet.Event, error) {
	w.t.Helper()
	b := New(to, w.now, w.known, w.limits)
	if err := b.Exec("BEGIN IMMEDIATE"); err != nil {
		w.t.Fatal(err)
	}
	err := do(b)
	if err == nil {
		err = b.End()
	}
	end := "COMMIT"
	if err != nil {
		end = "ROLLBACK"
	}
	if err := b.Exec(end); err != nil {
		w.t.Fatal(err)
	}
	b.Release(err == nil)
	var told []fleet.Event
	for _, u := range b.Updates {
		told = append(told, u.Events...)
	}
	return told, err
}

// take applies what a host sent and returns the events, a line for each.
func (w *writer) take(items []fleet.Delivery, missing ...fleet.Missing) []string {
	w.t.Helper()
	work, err := Prepare(items, missing)
	if err != nil {
		w.t.Fatal(err)
	}
	told, err := w.within(func(h *Host) error { return h.Apply(work) })
	if err != nil {
		w.t.Fatal(err)
	}
	return lines(told)
}

func lines(told []fleet.Event) []string {
	var out []string
	for _, e := range told {
		r := e.Change.Result
		line := fmt.Sprintf("%s %s %s", r.Check, r.Resource, r.Status)
		if e.Change.Removed {
			line += " removed"
		}
		if e.Resync {
			line += " resync"
		}
		if r.Check == lostCheck {
			line += ": " + r.Actual
		}
		out = append(out, line)
	}
	return out
}

// rows returns the first column of a query, which is a text.
func (w *writer) rows(query string) (out []string) {
	w.t.Helper()
	err := w.db.Rows(query, nil, func(scan func(...any) error) error {
		var line string
		err := scan(&line)
		out = append(out, line)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// standing returns the standing results.
func (w *writer) standing() []string {
	w.t.Helper()
	return w.rows("SELECT check_id || ' ' || resource || ' ' || status FROM state ORDER BY check_id, resource")
}

func (w *writer) expect(what string, got, want []string) {
	w.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("%s (- want, + got):\n%s", what, diff)
	}
}

func result(check, resource string, s finding.Status) finding.Result {
	return finding.Result{Check: check, Resource: resource, Status: s, Severity: finding.SeverityHigh, Time: noon.Add(-time.Hour)}
}

func change(seq uint64, r finding.Result, previous finding.Status) fleet.Delivery {
	return fleet.Delivery{Lane: "posture", Epoch: 7, Sequence: seq, Digest: seq,
		Record: finding.Record{Time: noon, Change: &finding.Change{Result: r, Previous: previous}}}
}

func removed(seq uint64, r finding.Result) fleet.Delivery {
	d := change(seq, r, r.Status)
	d.Record.Change.Result.Status, d.Record.Change.Removed = finding.StatusPass, true
	return d
}

// whole is a whole state in parts of one result each.
func whole(seq, state uint64, results ...finding.Result) (out []fleet.Delivery) {
	for i := range results {
		out = append(out, fleet.Delivery{Lane: "posture", Epoch: 7, Sequence: seq + uint64(i), Digest: seq + uint64(i),
			Record: finding.Record{Time: noon, State: &finding.StatePart{ID: state, Part: uint32(i), Parts: uint32(len(results)),
				Total: uint32(len(results)), Digest: finding.Digest(results), Results: results[i : i+1]}}})
	}
	return out
}

// A change becomes the standing result and an event; one that is removed stands no
// more. The row counts what stands.
func TestApply(t *testing.T) {
	w := open(t)
	pending := result(pendingCheck, "openssl", finding.StatusFail)
	root := result("ssh-root", "", finding.StatusFail)
	w.expect("told", w.take([]fleet.Delivery{change(1, pending, 0), change(2, root, 0)}), []string{
		pendingCheck + " openssl fail", "ssh-root  fail"})
	w.expect("standing", w.standing(), []string{fmt.Sprint(pendingCheck, " openssl ", uint8(finding.StatusFail)), fmt.Sprint("ssh-root  ", uint8(finding.StatusFail))})
	counts := "SELECT pass || ' ' || fail || ' ' || severity4 || ' ' || pending FROM host"
	w.expect("counts", w.rows(counts), []string{"0 2 2 1"})

	root.Status = finding.StatusPass
	w.expect("told", w.take([]fleet.Delivery{removed(3, pending), change(4, root, finding.StatusFail)}), []string{
		pendingCheck + " openssl pass removed", "ssh-root  pass"})
	w.expect("standing", w.standing(), []string{fmt.Sprint("ssh-root  ", uint8(finding.StatusPass))})
	w.expect("counts", w.rows(counts), []string{"1 0 0 0"})
	w.expect("checks that fail", w.rows("SELECT check_id FROM host_check WHERE bad > 0"), nil)
}

// Since when a result stands is the host's word, and stays while only its values
// change. What the host says of the future is not believed.
func TestSince(t *testing.T) {
	w := open(t)
	r := result("ssh-root", "", finding.StatusFail)
	since := "SELECT CAST((since - " + fmt.Sprint(noon.UnixNano()) + ") / 1000000000 AS TEXT) FROM state"
	w.take([]fleet.Delivery{change(1, r, 0)})
	w.expect("an hour ago", w.rows(since), []string{"-3600"})
	r.Actual, r.Time = "other", noon
	w.take([]fleet.Delivery{change(2, r, r.Status)})
	w.expect("another value", w.rows(since), []string{"-3600"})
	r.Status, r.Time = finding.StatusPass, noon.Add(time.Hour)
	w.take([]fleet.Delivery{change(3, r, finding.StatusFail)})
	w.expect("a time to come", w.rows(since), []string{"0"})
	for i, step := range []struct {
		status, was finding.Status
		time, since time.Duration // from noon
		want        string
	}{
		{finding.StatusFail, finding.StatusPass, 0, -5 * time.Hour, "-18000"}, // it waits since then
		{finding.StatusFail, finding.StatusFail, 0, -time.Hour, "-18000"},
		{finding.StatusFail, finding.StatusFail, 0, -6 * time.Hour, "-21600"},
		{finding.StatusPass, finding.StatusFail, 0, -7 * time.Hour, "0"}, // what is good is so since it was told
		{finding.StatusFail, finding.StatusPass, -time.Minute, time.Hour, "-60"},
	} {
		r.Status, r.Time, r.Since = step.status, noon.Add(step.time), noon.Add(step.since)
		w.take([]fleet.Delivery{change(uint64(4+i), r, step.was)})
		w.expect(fmt.Sprint("the host's word, step ", i), w.rows(since), []string{step.want})
	}
}

// What was sent again is not applied again, in the same transaction or after a
// restart.
func TestAgain(t *testing.T) {
	w := open(t)
	first := change(1, result("ssh-root", "", finding.StatusFail), 0)
	second := change(2, result("ssh-root", "", finding.StatusPass), finding.StatusFail)
	if told := w.take([]fleet.Delivery{first, first, second, first}); len(told) != 2 {
		t.Errorf("told %q", told)
	}
	w.known = Known{}
	w.expect("after a restart", w.take([]fleet.Delivery{first, second}), nil)
	w.expect("standing", w.standing(), []string{fmt.Sprint("ssh-root  ", uint8(finding.StatusPass))})
}

// A gap is told once, whoever explains it and however often, and a record that
// comes late enters the timeline alone.
func TestGapAndLate(t *testing.T) {
	w := open(t)
	w.take([]fleet.Delivery{change(1, result("ssh-root", "", finding.StatusFail), 0)})
	lost := []string{lostCheck + " posture 2–4 fail: 3 records lost: the host did not say why"}
	newer := change(5, result("ssh-root", "", finding.StatusPass), finding.StatusFail)
	w.expect("a gap", w.take([]fleet.Delivery{newer}), append(lost, "ssh-root  pass"))
	w.expect("again", w.take([]fleet.Delivery{newer}), nil)
	w.expect("missing", w.rows("SELECT CAST(gaps AS TEXT) FROM host"), []string{"3"})

	late := change(3, result("ssh-root", "", finding.StatusError), finding.StatusFail)
	w.expect("a late one", w.take([]fleet.Delivery{late}), []string{"ssh-root  error"})
	w.expect("standing", w.standing(), []string{fmt.Sprint("ssh-root  ", uint8(finding.StatusPass))})
	w.expect("missing", w.rows("SELECT CAST(gaps AS TEXT) FROM host"), []string{"2"})

	w.known = Known{}
	told := w.take(nil, fleet.Missing{Lane: "posture", Epoch: 7, From: 2, To: 2, Reason: fleet.Evicted},
		fleet.Missing{Lane: "posture", Epoch: 7, From: 6, To: 6, Reason: fleet.Damaged})
	w.expect("explained, and one more", told, []string{lostCheck + " posture 6–6 fail: 1 record lost: damaged on the host's disk"})
}

// A state that is late replaces nothing.
func TestLateState(t *testing.T) {
	w := open(t)
	w.take([]fleet.Delivery{change(1, result("ssh-a", "", finding.StatusFail), 0), change(3, result("ssh-b", "", finding.StatusFail), 0)})
	before := w.standing()
	w.expect("told", w.take(whole(2, 1, result("ssh-c", "", finding.StatusPass))), nil)
	w.expect("standing", w.standing(), before)
}

// A whole state replaces what stands once all its parts are there, and the
// differences are told; the first state of a host tells nothing.
func TestWhole(t *testing.T) {
	w := open(t)
	a, b, c := result("ssh-a", "", finding.StatusPass), result("ssh-b", "", finding.StatusFail), result("ssh-c", "x", finding.StatusFail)
	w.expect("the first", w.take(whole(1, 1, a, b)), nil)
	b.Status = finding.StatusPass
	parts := whole(3, 2, b, c)
	before := w.standing()
	w.expect("a part", w.take(parts[:1]), nil)
	w.expect("standing", w.standing(), before)
	w.known = Known{} // a restart in between
	w.expect("the other", w.take(parts[1:]), []string{"ssh-a  pass removed resync", "ssh-b  pass resync", "ssh-c x fail resync"})
	w.expect("standing", w.standing(), []string{fmt.Sprint("ssh-b  ", uint8(finding.StatusPass)), fmt.Sprint("ssh-c x ", uint8(finding.StatusFail))})
	w.expect("parts kept", w.rows("SELECT CAST(count(*) AS TEXT) FROM part"), []string{"0"})
}

// A state that is not what its digest says replaces nothing and is counted.
func TestWholeWithAWrongDigest(t *testing.T) {
	w := open(t)
	w.take([]fleet.Delivery{change(1, result("ssh-a", "", finding.StatusFail), 0)})
	before := w.standing()
	parts := whole(2, 1, result("ssh-b", "", finding.StatusPass))
	parts[0].Record.State.Digest[0] ^= 1
	w.expect("told", w.take(parts), nil)
	w.expect("standing", w.standing(), before)
	w.expect("counted", w.rows("SELECT mismatches || '' FROM host"), []string{"1"})
}

// What is over a limit is kept as refused, with its reason, and the rest goes on.
func TestLimits(t *testing.T) {
	w := open(t)
	w.limits.Results = 2
	a, b, c := result("ssh-a", "", finding.StatusFail), result("ssh-b", "", finding.StatusFail), result("ssh-c", "", finding.StatusFail)
	w.take([]fleet.Delivery{change(1, a, 0), change(2, b, 0), change(3, c, 0),
		change(4, finding.Result{Check: "ssh-a", Status: finding.StatusPass}, finding.StatusFail)})
	w.take(append(whole(5, 1, a, b, c), fleet.Delivery{Lane: "posture", Epoch: 7, Sequence: 8, Digest: 8, Reject: "record: \xff\x1b[31mred", Size: 9}))
	w.expect("standing", w.standing(), []string{fmt.Sprint("ssh-a  ", uint8(finding.StatusPass)), fmt.Sprint("ssh-b  ", uint8(finding.StatusFail))})
	w.expect("refused", w.rows("SELECT seq || ' ' || reason FROM rejected ORDER BY seq"), []string{
		"3 more results than a host may have",
		"5 whole state is larger than a host's may be", "6 whole state is larger than a host's may be", "7 whole state is larger than a host's may be",
		"8 record: \\xff\x1b[31mred"})
	w.expect("counted", w.rows("SELECT rejected || '' FROM host"), []string{"5"})
	if !strings.Contains(w.log.String(), `last="record: `) || strings.Contains(w.log.String(), "\x1b") || strings.Count(w.log.String(), "\n") != 2 {
		t.Errorf("the log says %q", w.log.String())
	}
	if _, err := Prepare([]fleet.Delivery{change(0, a, 0)}, nil); err == nil {
		t.Error("sequence 0 is taken")
	}
}

// A transaction that fails leaves no trace, neither in the tables nor in memory.
func TestUndone(t *testing.T) {
	w := open(t)
	work, err := Prepare([]fleet.Delivery{change(1, result("ssh-a", "", finding.StatusFail), 0)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	boom := errors.New("no more room")
	_, err = w.within(func(h *Host) error { return errors.Join(h.Apply(work), boom) })
	if !errors.Is(err, boom) || len(w.known) > 0 {
		t.Errorf("%v, known %v", err, w.known)
	}
	w.expect("standing", w.standing(), nil)
	w.expect("taken then", w.take([]fleet.Delivery{change(1, result("ssh-a", "", finding.StatusFail), 0)}), []string{"ssh-a  fail"})
}

// A host that is called silent or archived says so once, and is back by itself when
// it speaks.
func TestSilence(t *testing.T) {
	w := open(t)
	w.take([]fleet.Delivery{change(1, result("ssh-a", "", finding.StatusFail), 0)})
	w.now = noon.Add(3 * time.Hour)
	for what, do := range map[string]func(*Host) error{"silent": (*Host).Silent, "archived": (*Host).Archive} {
		told, err := w.within(do)
		if err != nil || len(told) != 1 {
			t.Errorf("%s: %q, %v", what, lines(told), err)
		}
	}
	if told, err := w.within((*Host).Archive); err != nil || len(told) > 0 {
		t.Errorf("archived twice: %q, %v", lines(told), err)
	}
	w.expect("it speaks", w.take([]fleet.Delivery{change(2, result("ssh-a", "", finding.StatusPass), finding.StatusFail)}),
		[]string{silentCheck + "  pass", "ssh-a  pass"})
	w.expect("the row", w.rows("SELECT silent || ' ' || archived FROM host"), []string{"0 0"})
}

// A host without a row is unknown, and one that was not admitted is no member.
func TestUnknown(t *testing.T) {
	w := open(t)
	b := New(w.db, noon, w.known, w.limits)
	if _, err := b.Open(fleet.HostID(strings.Repeat("0b", 16))); !errors.Is(err, fleet.ErrUnknown) {
		t.Errorf("a host without a row: %v", err)
	}
	h, err := b.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	if member, err := h.Member(); err != nil || member {
		t.Errorf("member %v, %v", member, err)
	}
}

// tables is what the rows of results say, a line each.
func (w *writer) tables() (all []string) {
	w.t.Helper()
	for _, query := range []string{
		"SELECT check_id || ' ' || status || ' ' || severity || ' ' || since || ' ' || hex(body) FROM state ORDER BY check_id",
		"SELECT check_id || ' ' || bad FROM host_check ORDER BY check_id",
		"SELECT pass || ' ' || fail || ' ' || severity4 || ' ' || pending FROM host",
		"SELECT check_id || ' ' || pass || ' ' || fail || ' ' || hosts FROM check_rollup ORDER BY check_id",
		"SELECT check_id || ' ' || times || ' ' || resolved FROM life ORDER BY check_id",
	} {
		err := w.db.Rows(query, nil, func(scan func(...any) error) error {
			var line string
			err := scan(&line)
			all = append(all, line)
			return err
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return all
}
