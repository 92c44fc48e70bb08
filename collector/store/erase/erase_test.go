package erase

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/store/schema"
	"seawall/collector/store/sqlite"
)

var gone, stays = bytes.Repeat([]byte{0xa1}, 16), bytes.Repeat([]byte{0xb2}, 16)

func open(t *testing.T) *sqlite.Writer {
	t.Helper()
	d, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if _, err := schema.Migrate(t.Context(), d.Writer.Conn); err != nil {
		t.Fatal(err)
	}
	return d.Writer
}

// words returns the rows of a query, one line each.
func words(t *testing.T, w *sqlite.Writer, query string, args ...any) (lines []string) {
	t.Helper()
	err := w.Rows(query, args, func(scan func(...any) error) error {
		var line string
		err := scan(&line)
		lines = append(lines, line)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return lines
}

func run(t *testing.T, w *sqlite.Writer, text string, args ...any) {
	t.Helper()
	if err := w.Exec(text, args...); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

// fill writes a row of a host into a table, whatever its other columns are.
func fill(t *testing.T, w *sqlite.Writer, table string, host []byte, n int) {
	t.Helper()
	var columns, marks []string
	var args []any
	for _, c := range words(t, w, "SELECT name || ' ' || type FROM pragma_table_info(?)", table) {
		name, kind, _ := strings.Cut(c, " ")
		columns, marks = append(columns, name), append(marks, "?")
		switch {
		case name == "host":
			args = append(args, host)
		case kind == "INTEGER":
			args = append(args, n)
		case kind == "TEXT":
			args = append(args, fmt.Sprint("text", n))
		default:
			args = append(args, fmt.Append([]byte{}, "bytes", n))
		}
	}
	run(t, w, "INSERT INTO "+table+" ("+strings.Join(columns, ", ")+") VALUES ("+strings.Join(marks, ", ")+")", args...)
}

// TestTables: a table that is new and has hosts in it is thought of.
func TestTables(t *testing.T) {
	w := open(t)
	have := words(t, w, `SELECT m.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = 'host' ORDER BY m.name`)
	if diff := cmp.Diff(slices.Sorted(slices.Values(Tables())), have); diff != "" {
		t.Errorf("tables with a column host (-erased +there):\n%s", diff)
	}
}

// TestHost: nothing is left of the host, and all of another.
func TestHost(t *testing.T) {
	w := open(t)
	for _, table := range Tables() {
		fill(t, w, table, gone, 1)
		fill(t, w, table, stays, 2)
	}
	run(t, w, "UPDATE member SET clone_of = ? WHERE host = ?", gone, stays)
	// One machine that waits has the key of the host, one is a copy of it, one of another.
	for n, of := range map[int][]byte{1: {}, 3: gone, 4: stays} {
		fill(t, w, "request", nil, n)
		run(t, w, "UPDATE request SET clone_of = ? WHERE asked = ?", of, n)
	}
	counts, err := Host(w, gone)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range counts {
		if slices.Contains(Tables(), c.Table) && c.Rows != 1 || c.Table == "request" && c.Rows != 2 {
			t.Errorf("%d rows of %s are said to be gone", c.Rows, c.Table)
		}
	}
	left, err := Left(w, gone)
	if err != nil || len(left) < len(Tables()) {
		t.Fatalf("%d counts, %v", len(left), err)
	}
	for _, c := range left {
		if c.Rows != 0 {
			t.Errorf("%d rows are left in %s", c.Rows, c.Table)
		}
	}
	others, err := Left(w, stays)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range others {
		if slices.Contains(Tables(), c.Table) && c.Rows != 1 {
			t.Errorf("another host has %d rows in %s, want 1", c.Rows, c.Table)
		}
	}
	if keys := words(t, w, "SELECT host_name FROM request"); !slices.Equal(keys, []string{"text4"}) {
		t.Errorf("requests %q are left", keys)
	}
	if copies := words(t, w, "SELECT hex(clone_of) FROM member"); !slices.Equal(copies, []string{""}) {
		t.Errorf("a member is a copy of %q", copies)
	}
}

// TestChains: the events of a check lead past those of the host, and no number is given again.
func TestChains(t *testing.T) {
	w := open(t)
	for n, e := range []struct {
		host   []byte
		check  string
		before int
	}{{stays, "a", 0}, {gone, "a", 1}, {gone, "a", 2}, {stays, "a", 3}, {gone, "a", 4}, {gone, "b", 0}, {gone, "c", 0}, {stays, "c", 7}, {gone, "b", 6}} {
		run(t, w, "INSERT INTO event (id, host, lane, epoch, seq, received, check_id, body, check_before) VALUES (?, ?, 'posture', 1, ?, 0, ?, ?, ?)",
			n+1, e.host, n, e.check, []byte{0}, e.before)
	}
	run(t, w, "DELETE FROM check_newest")
	run(t, w, "INSERT INTO check_newest SELECT check_id, max(id) FROM event GROUP BY check_id")
	if _, err := Host(w, gone); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string][]string{
		"SELECT id || ' ' || check_id || ' ' || check_before FROM event ORDER BY id": {"1 a 0", "4 a 1", "8 c 0"},
		"SELECT check_id || ' ' || event FROM check_newest ORDER BY check_id":        {"a 4", "c 8"},
		"SELECT CAST(value AS TEXT) FROM meta WHERE name = 'event_last'":             {"9"},
	} {
		if diff := cmp.Diff(want, words(t, w, query)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	if _, err := Host(w, stays); err != nil {
		t.Fatal(err)
	}
	if last := words(t, w, "SELECT CAST(value AS TEXT) FROM meta WHERE name = 'event_last'"); !slices.Equal(last, []string{"9"}) {
		t.Errorf("the last number is %q after all are gone", last)
	}
}

// TestMessages: what waits to be told, or was, and names the host goes with it.
func TestMessages(t *testing.T) {
	w := open(t)
	for n, id := range []string{fmt.Sprintf("%x", gone), fmt.Sprintf("%x", stays)} {
		for _, table := range []string{"alert_waiting", "alert_group", "alert_subject", "outbox"} {
			fill(t, w, table, nil, n)
		}
		run(t, w, "UPDATE alert_waiting SET body = ? WHERE rule = ?", `{"host":"`+id+`"}`, n)
		run(t, w, "UPDATE alert_group SET grp = ? WHERE rule = ?", "host "+id, n)
		run(t, w, "UPDATE alert_subject SET subject = ? WHERE rule = ?", id+" check", n)
		run(t, w, "UPDATE outbox SET body = ? WHERE seq = ?", []byte("told of "+id), n)
	}
	if left, err := Left(w, gone); err != nil || total(left) != 4 {
		t.Errorf("before: %v, %v; want a row of each of four tables", left, err)
	}
	counts, err := Host(w, gone)
	if err != nil || total(counts) != 4 {
		t.Errorf("gone: %v, %v; want four rows", counts, err)
	}
	if left, err := Left(w, gone); err != nil || total(left) != 0 {
		t.Errorf("left: %v, %v; want none", left, err)
	}
	if left, err := Left(w, stays); err != nil || total(left) != 4 {
		t.Errorf("of another: %v, %v; want four rows", left, err)
	}
}

func total(all []Count) (n int64) {
	for _, c := range all {
		n += c.Rows
	}
	return n
}

// TestTexts: a text goes with the last host that has it.
func TestTexts(t *testing.T) {
	w := open(t)
	run(t, w, "INSERT INTO info VALUES (x'aa', 'one', 1, x'00'), (x'bb', 'both', 2, x'00')")
	run(t, w, "INSERT INTO host_info VALUES (?, 'one', x'01', x'aa'), (?, 'both', x'01', x'bb'), (?, 'both', x'01', x'bb')", gone, gone, stays)
	if _, err := Host(w, gone); err != nil {
		t.Fatal(err)
	}
	if got := words(t, w, "SELECT check_id || ' ' || hosts FROM info"); !slices.Equal(got, []string{"both 1"}) {
		t.Errorf("texts %q are left", got)
	}
}
