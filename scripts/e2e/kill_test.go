package e2e

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"

	"seawall/agent/spool"
	"seawall/pkg/wire"
	"seawall/scripts/stage"
)

// kills is how often one of the three programs is killed, at least: on a slow
// machine they go on until some changes have reached the spool between them.
const kills = 50

// key names one record of the spool.
type key struct {
	Lane  string
	Epoch uint64
	Seq   uint64
}

func (k key) compare(o key) int {
	return cmp.Or(cmp.Compare(k.Lane, o.Lane), cmp.Compare(k.Seq, o.Seq), cmp.Compare(k.Epoch, o.Epoch))
}

// TestKilled kills sensor, uplink and collector at random during a stream of
// changes. Afterwards every change that is in the spool is in the store, once, and
// nothing else is.
func TestKilled(t *testing.T) {
	stage.TakeAudit(t)
	s := launch(t)
	started := func() bool { return s.sensor.Says("sensor started") }
	stage.Await(t, "the sensor's start", 60*time.Second, started)

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	ctx, cancel := context.WithCancel(t.Context())
	type result struct {
		writes int
		err    error
	}
	streamed := make(chan result, 1)
	go func() {
		n, err := stream(ctx)
		streamed <- result{n, err}
	}()

	count := map[*stage.Program]int{}
	pause := time.NewTimer(0)
	<-pause.C
	few := func() bool { return len(spooled(t, s.spool)) < kills/5 }
	for n := 0; n < kills || n < 4*kills && few(); n++ {
		pause.Reset(50*time.Millisecond + time.Duration(random.Int64N(int64(900*time.Millisecond))))
		<-pause.C
		victim := s.all()[random.IntN(3)]
		if victim.Ended() {
			t.Fatalf("%s ended by itself: %v", filepath.Base(victim.Argv[0]), victim.Wait())
		}
		victim.Kill()
		victim.Start(t)
		count[victim]++
	}
	cancel()
	writes := <-streamed
	if writes.err != nil {
		t.Fatal(writes.err)
	}
	// One that is stopped before it began does not clean up after one that was killed.
	stage.Await(t, "the last sensor's start", 60*time.Second, started)
	s.sensor.End(t)

	want := spooled(t, s.spool)
	var got []key
	stage.Await(t, "every change's arrival in the store", 90*time.Second, func() bool {
		got = stored(t, filepath.Join(s.dir, "collector"))
		return len(got) >= len(want)
	})
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("spool and store differ (- spool, + store):\n%s", diff)
	}
	t.Logf("killed sensor %d, uplink %d, collector %d times; %d writes, %d changes in the spool, %d in the store",
		count[s.sensor], count[s.uplink], count[s.collector], writes.writes, len(want), len(got))
	if len(want) < kills/5 {
		t.Errorf("only %d changes reached the spool: the kills met no stream", len(want))
	}
}

// stream changes the drop-in until ctx ends and returns how often it did.
func stream(ctx context.Context) (int, error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return n, nil
		case <-tick.C:
			if _, err := tryChange([]string{"yes", "no"}[n%2], 1+n%5); err != nil {
				return n, err
			}
		}
	}
}

// spooled returns the changes in the spool, in order.
func spooled(t *testing.T, dir string) []key {
	t.Helper()
	lanes, err := spool.Lanes(dir)
	if err != nil {
		t.Fatal(err)
	}
	var keys []key
	for _, lane := range lanes {
		r, err := spool.OpenReader(dir, lane)
		if errors.Is(err, fs.ErrNotExist) {
			continue // the lane is being made
		}
		if err != nil {
			t.Fatal(err)
		}
		for {
			record, err := r.Next()
			if errors.Is(err, spool.ErrEmpty) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			decoded, err := wire.Decode(record.Payload)
			if err != nil {
				t.Fatalf("record %+v of lane %s: %v", record.Position, lane, err)
			}
			if decoded.Change != nil {
				keys = append(keys, key{lane, record.Epoch, record.Seq})
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	slices.SortFunc(keys, key.compare)
	return keys
}

// stored returns the changes in the store, in order, duplicates included. It fails
// when the store holds a gap or a record that it could not take.
func stored(t *testing.T, state string) []key {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(state, "*.db"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("databases in %s: %v, %v", state, paths, err)
	}
	var keys []key
	err = stage.AsOwner(paths[0], func() (err error) {
		keys, err = readStored(paths[0])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(keys, key.compare)
	return keys
}

func readStored(path string) (keys []key, err error) {
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	for _, table := range []string{"gap", "rejected"} {
		var n int
		if err := db.QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil {
			return nil, err
		}
		if n > 0 {
			return nil, fmt.Errorf("table %s has %d rows", table, n)
		}
	}
	// Ordinals above 0 are what a whole state showed to have changed unseen, and what
	// has no lane is the collector's own word on the host.
	rows, err := db.Query("SELECT lane, epoch, seq FROM event WHERE ordinal = 0 AND lane <> ''")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var k key
		var epoch, seq int64
		if err := rows.Scan(&k.Lane, &epoch, &seq); err != nil {
			return nil, err
		}
		k.Epoch, k.Seq = uint64(epoch), uint64(seq)
		keys = append(keys, k)
	}
	return keys, rows.Err()
}
