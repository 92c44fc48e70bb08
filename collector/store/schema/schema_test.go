package schema

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"testing/fstest"

	_ "modernc.org/sqlite"
)

func open(t *testing.T) *sql.Conn {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); db.Close() })
	return conn
}

func TestMigrateTwice(t *testing.T) {
	db := open(t)
	for range 2 {
		v, err := Migrate(t.Context(), db)
		if err != nil || v < 1 {
			t.Fatalf("version %d, %v", v, err)
		}
	}
}

func files(texts ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i, text := range texts {
		m["000"+string(rune('1'+i))+"_x.sql"] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

func TestMigrateSteps(t *testing.T) {
	db := open(t)
	one, two := "CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y"
	if v, err := migrate(t.Context(), db, files(one)); v != 1 || err != nil {
		t.Fatalf("first: %d, %v", v, err)
	}
	if v, err := migrate(t.Context(), db, files(one, two)); v != 2 || err != nil {
		t.Fatalf("second: %d, %v", v, err)
	}
	if _, err := migrate(t.Context(), db, files(one)); !errors.Is(err, ErrNewer) {
		t.Errorf("older program: %v, want ErrNewer", err)
	}
	if _, err := migrate(t.Context(), db, files(one, "CREATE TABLE b (x)")); !errors.Is(err, ErrForeign) {
		t.Errorf("other text: %v, want ErrForeign", err)
	}
}

func TestFailedMigrationLeavesNothing(t *testing.T) {
	db := open(t)
	if _, err := migrate(t.Context(), db, files("CREATE TABLE a (x); SELECT nonsense")); err == nil {
		t.Fatal("no error")
	}
	if v, err := migrate(t.Context(), db, files("CREATE TABLE a (x)")); v != 1 || err != nil {
		t.Fatalf("after the failure: %d, %v", v, err)
	}
}

func TestForeignDatabase(t *testing.T) {
	db := open(t)
	if _, err := db.ExecContext(context.Background(), "CREATE TABLE theirs (x)"); err != nil {
		t.Fatal(err)
	}
	if _, err := Migrate(t.Context(), db); !errors.Is(err, ErrForeign) {
		t.Errorf("%v, want ErrForeign", err)
	}
}

func TestHolesInNumbers(t *testing.T) {
	if _, err := migrate(t.Context(), open(t), fstest.MapFS{"0002_x.sql": {Data: []byte("")}}); err == nil {
		t.Error("a missing first migration is accepted")
	}
}

// TestResyncColumns migrates a store of the first schema: hosts with results have
// sent a whole state, and the events that are there came one by one.
func TestResyncColumns(t *testing.T) {
	db := open(t)
	first, err := embedded.ReadFile("0001_base.sql")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := migrate(t.Context(), db, fstest.MapFS{"0001_base.sql": {Data: first}}); err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), `INSERT INTO host (host, first_seen, last_seen, fail) VALUES (x'01', 0, 0, 3), (x'02', 0, 0, 0);
		INSERT INTO event (host, lane, epoch, seq, received, check_id, body) VALUES (x'01', 'posture', 1, 1, 0, 'ssh-a', x'00')`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	var known, fresh bool
	var ordinal, moved int
	err = db.QueryRowContext(t.Context(), `SELECT (SELECT whole FROM host WHERE host = x'01'), (SELECT whole FROM host WHERE host = x'02'),
		ordinal, moved FROM event`).Scan(&known, &fresh, &ordinal, &moved)
	if err != nil || !known || fresh || ordinal != 0 || moved != 0 {
		t.Errorf("whole %v and %v, ordinal %d, moved %d, %v", known, fresh, ordinal, moved, err)
	}
}

// TestMembershipColumns migrates a store of the second schema with rows in every
// table that changes.
func TestMembershipColumns(t *testing.T) {
	db := open(t)
	old := fstest.MapFS{}
	for _, name := range []string{"0001_base.sql", "0002_resync.sql"} {
		text, err := embedded.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		old[name] = &fstest.MapFile{Data: text}
	}
	if _, err := migrate(t.Context(), db, old); err != nil {
		t.Fatal(err)
	}
	_, err := db.ExecContext(t.Context(), `INSERT INTO host (host, first_seen, last_seen, fail, gaps) VALUES (x'01', 0, 0, 3, 5);
		INSERT INTO position VALUES (x'01', 'posture', 7, 0, 1, 9, 0);
		INSERT INTO gap VALUES (x'01', 'posture', 7, 3, 7, 0)`)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if v, err := Migrate(t.Context(), db); err != nil || v < 3 {
			t.Fatalf("version %d, %v", v, err)
		}
	}
	var archived, silent, digest, records, alive, members int
	var reason string
	err = db.QueryRowContext(t.Context(), `SELECT archived, silent, (SELECT digest FROM position), (SELECT reason FROM gap),
		(SELECT records FROM gap), (SELECT value FROM meta WHERE name = 'alive'), (SELECT count(*) FROM member) FROM host`).
		Scan(&archived, &silent, &digest, &reason, &records, &alive, &members)
	if err != nil || archived+silent+digest+alive+members != 0 || reason != "unexplained" || records != 5 {
		t.Errorf("archived %d, silent %d, digest %d, %s, %d records, alive %d, %d members, %v", archived, silent, digest, reason, records, alive, members, err)
	}
}

// TestChains migrates a store of the third schema with events of several hosts and
// checks: each names the one before it, and the newest of each is known.
func TestChains(t *testing.T) {
	db := open(t)
	old := fstest.MapFS{}
	for _, name := range []string{"0001_base.sql", "0002_resync.sql", "0003_membership.sql"} {
		text, err := embedded.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		old[name] = &fstest.MapFile{Data: text}
	}
	if v, err := migrate(t.Context(), db, old); v != 3 || err != nil {
		t.Fatalf("version %d, %v", v, err)
	}
	// The first 50 have expired, and so have all events of host 9.
	_, err := db.ExecContext(t.Context(), `WITH RECURSIVE c(n) AS (SELECT 51 UNION ALL SELECT n + 1 FROM c WHERE n < 3000)
		INSERT INTO event (id, host, lane, epoch, seq, received, check_id, body)
			SELECT n, unhex('0' || (n % 7)), 'posture', 1, n, n, 'ssh-' || (n * n % 11), x'00' FROM c;
		WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < 6)
		INSERT INTO host (host, first_seen, last_seen) SELECT unhex('0' || n), 0, 0 FROM c;
		INSERT INTO host (host, first_seen, last_seen) VALUES (x'09', 0, 0)`)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := Migrate(t.Context(), db); err != nil || v < 4 {
		t.Fatalf("version %d, %v", v, err)
	}
	for what, query := range map[string]string{
		"events lost": "SELECT 2950 - count(*) FROM event",
		"wrong before": `SELECT count(*) FROM (SELECT host_before, check_before, lag(id, 1, 0) OVER (PARTITION BY host ORDER BY id) AS h,
			lag(id, 1, 0) OVER (PARTITION BY check_id ORDER BY id) AS c FROM event) WHERE host_before <> h OR check_before <> c`,
		"wrong newest of hosts":  "SELECT count(*) FROM host h WHERE newest <> ifnull((SELECT max(id) FROM event e WHERE e.host = h.host), 0)",
		"wrong newest of checks": "SELECT count(*) FROM (SELECT check_id, max(id) FROM event GROUP BY 1 EXCEPT SELECT * FROM check_newest)",
		"chains of other checks": "SELECT count(*) FROM check_newest WHERE check_id NOT IN (SELECT check_id FROM event)",
		"numbers used again":     "SELECT seq <> 3000 FROM sqlite_sequence WHERE name = 'event'",
	} {
		var n int
		if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil || n != 0 {
			t.Errorf("%s: %d, %v", what, n, err)
		}
	}
}

// TestDetectionTables migrates a store of the fourth schema: days go on, and lists have
// their tables.
func TestDetectionTables(t *testing.T) {
	db := open(t)
	old := fstest.MapFS{}
	for _, name := range []string{"0001_base.sql", "0002_resync.sql", "0003_membership.sql", "0004_chain.sql"} {
		text, err := embedded.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		old[name] = &fstest.MapFile{Data: text}
	}
	if v, err := migrate(t.Context(), db, old); v != 4 || err != nil {
		t.Fatalf("version %d, %v", v, err)
	}
	if _, err := db.ExecContext(t.Context(), "INSERT INTO day VALUES (20000, 1, 2, 3, 4, 5, 6, 7)"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if v, err := Migrate(t.Context(), db); err != nil || v < 5 {
			t.Fatalf("version %d, %v", v, err)
		}
	}
	var changes, detections, kept, counted, dropped int
	err := db.QueryRowContext(t.Context(), `SELECT changes, detections, (SELECT count(*) FROM detection), (SELECT count(*) FROM detection_count),
		(SELECT value FROM meta WHERE name = 'detections_dropped') FROM day`).Scan(&changes, &detections, &kept, &counted, &dropped)
	if err != nil || changes != 7 || detections+kept+counted+dropped != 0 {
		t.Errorf("%d changes, %d detections, %d kept, %d counted, %d dropped, %v", changes, detections, kept, counted, dropped, err)
	}
}
