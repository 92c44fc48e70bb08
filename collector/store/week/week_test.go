package week_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"seawall/collector/db"
	"seawall/collector/store"
	"seawall/collector/store/week"
	"seawall/scripts/pgtest"
)

const day = 24 * time.Hour

// begun is a Monday in November 2026, in the middle of a week since 1970.
var begun = time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)

func open(t *testing.T) (*store.Store, *pgx.Conn) {
	t.Helper()
	url := pgtest.Start(t).New()
	s, err := store.Open(t.Context(), url, store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(t.Context()) })
	return s, conn
}

// tell adds events with the next numbers, and returns the last.
func tell(t *testing.T, s *store.Store, last int64, received time.Time, n int) int64 {
	t.Helper()
	err := s.Write(t.Context(), func(w db.Writer) error {
		for i := range n {
			if err := w.Exec(`INSERT INTO event (id, host, lane, epoch, seq, received, check_id, body) VALUES (?, ?, '', 0, 0, ?, '', ?)`,
				last+int64(i)+1, []byte{1}, received.UnixNano(), []byte{}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return last + int64(n)
}

func begin(t *testing.T, s *store.Store, now time.Time, keep time.Duration) (more bool) {
	t.Helper()
	err := s.Write(t.Context(), func(w db.Writer) (err error) {
		more, err = week.Begin(w, now, keep)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return more
}

// parts is the bounds of the timeline's parts and the rows in each.
func parts(t *testing.T, conn *pgx.Conn) (all []string) {
	t.Helper()
	rows, err := conn.Query(t.Context(), `SELECT c.relname::text, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = 'event'::regclass ORDER BY split_part(c.relname, '_', 3)::bigint`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Name, Bound string }])
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range names {
		var n int
		if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM "+p.Name).Scan(&n); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s %s: %d", p.Name, p.Bound, n))
	}
	return all
}

func number(t *testing.T, conn *pgx.Conn, query string) (n int64) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestWeeks: each week that has events has a part, and what is old goes as a whole.
func TestWeeks(t *testing.T) {
	s, conn := open(t)
	if begin(t, s, begun, 30*day) {
		t.Error("something of an empty timeline was dropped")
	}
	want := []string{"event_0_1 FOR VALUES FROM (MINVALUE) TO (MAXVALUE): 0"}
	if diff := cmp.Diff(want, parts(t, conn)); diff != "" {
		t.Errorf("at the beginning (-want +got):\n%s", diff)
	}
	last := tell(t, s, 0, begun, 10)
	for i := range 3 { // nothing of the third week
		begin(t, s, begun.Add(time.Duration(i)*7*day), 30*day)
		begin(t, s, begun.Add(time.Duration(i)*7*day+day), 30*day)
		if i < 2 {
			last = tell(t, s, last, begun.Add(time.Duration(i)*7*day+day), 5)
		}
	}
	begin(t, s, begun.Add(-365*day), 30*day) // the clock was set back
	last = tell(t, s, last, begun.Add(21*day), 3)
	want = []string{
		"event_0_1 FOR VALUES FROM (MINVALUE) TO ('11'): 10",
		"event_2968_11 FOR VALUES FROM ('11') TO ('16'): 5",
		"event_2969_16 FOR VALUES FROM ('16') TO ('21'): 5",
		"event_2970_21 FOR VALUES FROM ('21') TO (MAXVALUE): 3",
	}
	if diff := cmp.Diff(want, parts(t, conn)); diff != "" {
		t.Errorf("after three weeks (-want +got):\n%s", diff)
	}
	if begin(t, s, begun.Add(14*day), 0) || begin(t, s, begun.Add(30*day), 30*day) {
		t.Error("something was dropped that is kept")
	}
	// A month later, one after another until what is left is young.
	later := begun.Add(39 * day)
	for n := 0; begin(t, s, later, 30*day); n++ {
		if n > 5 {
			t.Fatal("there is no end")
		}
	}
	got := parts(t, conn)
	if len(got) != 2 || got[0] != "event_2970_21 FOR VALUES FROM ('21') TO ('24'): 3" || number(t, conn, "SELECT count(*) FROM event") != 3 {
		t.Errorf("left is %q", got)
	}
	if n := number(t, conn, "SELECT value FROM meta WHERE name = 'events_expired'"); n != 20 {
		t.Errorf("%d events are said to have gone, want 20", n)
	}
	// When all has gone, numbers go on.
	for begin(t, s, begun.Add(400*day), 30*day) {
	}
	last = tell(t, s, last, begun.Add(400*day), 1)
	if n := number(t, conn, "SELECT value FROM meta WHERE name = 'event_last'"); n != last-1 {
		t.Errorf("the last number is said to be %d, want %d", n, last-1)
	}
}

// TestClockAhead: what came while the clock was ahead keeps its part until purge has
// deleted it with what came after.
func TestClockAhead(t *testing.T) {
	s, conn := open(t)
	last := tell(t, s, 0, begun.Add(900*day), 1)
	last = tell(t, s, last, begun, 1)
	begin(t, s, begun, 30*day)
	tell(t, s, last, begun.Add(60*day), 1)
	if begin(t, s, begun.Add(60*day), 30*day) {
		t.Error("an event of the future was dropped")
	}
	if err := s.Write(t.Context(), func(w db.Writer) error { return w.Exec("DELETE FROM event WHERE id <= 2") }); err != nil {
		t.Fatal(err)
	}
	if !begin(t, s, begun.Add(60*day), 30*day) {
		t.Error("an empty part was not dropped")
	}
	if n := number(t, conn, "SELECT count(*) FROM event"); n != 1 {
		t.Errorf("%d events are left, want the young one", n)
	}
}

// TestReader: a reader who takes long is not waited for, loses nothing, and when it is gone
// the week begins.
func TestReader(t *testing.T) {
	s, conn := open(t)
	tell(t, s, 0, begun, 5)
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "SELECT count(*) FROM event"); err != nil {
		t.Fatal(err)
	}
	err = s.Write(t.Context(), func(w db.Writer) error {
		_, err := week.Begin(w, begun, 30*day)
		return err
	})
	if !errors.Is(err, week.ErrRead) {
		t.Errorf("while it is read: %v", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	begin(t, s, begun, 30*day)
	if got := parts(t, conn); len(got) != 2 {
		t.Errorf("afterwards: %q", got)
	}
}

// TestOpen: the one part of a database that a copy has filled is ended before hosts are
// served, since that takes as long as it is large.
func TestOpen(t *testing.T) {
	url := pgtest.Start(t).New()
	for i, want := range []int{1, 2, 2} {
		s, err := store.Open(t.Context(), url, store.Config{})
		if err != nil {
			t.Fatal(err)
		}
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		if all := parts(t, conn); len(all) != want {
			t.Errorf("open %d: parts %q, want %d", i, all, want)
		}
		if i == 0 {
			tell(t, s, 0, begun, 10)
		}
		if err := errors.Join(conn.Close(t.Context()), s.Close()); err != nil {
			t.Fatal(err)
		}
	}
}
