package fault

import (
	"database/sql"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"seawall/agent/machine"
	"seawall/agent/spool"
	"seawall/pkg/hostfs"
	"seawall/pkg/wire"
	"seawall/scripts/stage"
)

// system is a collector and a host's uplink as they are shipped, with a writer in
// the sensor's place, and a relay between the two.
type system struct {
	dir   string
	spool string
	state string // the collector's
	home  string // the uplink's

	relay             *relay
	collector, uplink *stage.Program
}

// ground is where a system stands. Zero fields are folders below dir, and the
// loopback.
type ground struct {
	spool, state      string   // folders, which exist
	ingest            string   // address that the collector listens on
	collectorUnder    []string // what the programs are run under
	uplinkUnder       []string
	direct            bool // no relay
	collectorAddress  string
	collectorSettings []string
}

// newCollector prepares a collector, which is not started.
func newCollector(t *testing.T, g ground) *system {
	t.Helper()
	s := &system{dir: folder(t), spool: g.spool, state: g.state}
	owned := func(path string, mode os.FileMode, uid, gid int) string {
		if err := errors.Join(os.MkdirAll(path, mode), os.Chmod(path, mode), os.Chown(path, uid, gid)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if s.spool == "" {
		s.spool = filepath.Join(s.dir, "spool")
	}
	if s.state == "" {
		s.state = filepath.Join(s.dir, "state")
	}
	owned(s.spool, 0o750, 0, stage.SpoolGroup)
	thisMachine(t, s.spool, "4711")
	owned(s.state, 0o700, stage.CollectorUser, stage.CollectorUser)
	s.home = owned(filepath.Join(s.dir, "uplink"), 0o700, stage.UplinkUser, stage.UplinkUser)
	if g.ingest == "" {
		g.ingest = stage.FreeAddress(t)
	}
	s.collector = &stage.Program{
		Argv: append(append(g.collectorUnder, stage.Built(t, "seawall-collector"), "--state-dir", s.state, "--ingest", g.ingest,
			"--dashboard", stage.FreeAddress(t), "--host-rate", "16384"), g.collectorSettings...),
		Cred: &syscall.Credential{Uid: stage.CollectorUser, Gid: stage.CollectorUser},
		Log:  filepath.Join(s.dir, "collector.log"),
	}
	address := g.ingest
	if g.collectorAddress != "" {
		address = g.collectorAddress
	}
	if !g.direct {
		s.relay = newRelay(t, "127.0.0.1:0", g.ingest)
		address = s.relay.address()
	}
	s.uplink = &stage.Program{
		Argv: append(g.uplinkUnder, stage.Built(t, "seawall-uplink"), "--spool", s.spool, "--state-dir", s.home,
			"--collector", address, "--max-backoff", "1s"),
		Cred: &syscall.Credential{Uid: stage.UplinkUser, Gid: stage.UplinkUser, Groups: []uint32{stage.SpoolGroup}},
		Log:  filepath.Join(s.dir, "uplink.log"),
	}
	if len(g.collectorUnder) > 0 {
		s.collector.Cred = nil // what it is run under needs root
	}
	if len(g.uplinkUnder) > 0 {
		s.uplink.Cred = nil
	}
	return s
}

// thisMachine leaves word of the machine beside the spool, as the sensor does.
func thisMachine(t *testing.T, spool, droplet string) {
	t.Helper()
	m := machine.Machine{HostName: "fault", DropletID: droplet, MachineID: "a", ProductUUID: "b"}
	if err := machine.Write(spool, hostfs.Root{}, m); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Join(spool, "machine.json"), 0, stage.SpoolGroup); err != nil {
		t.Fatal(err)
	}
}

// startSystem starts collector and uplink, and enrols the host.
func startSystem(t *testing.T, g ground) *system {
	t.Helper()
	s := newCollector(t, g)
	stage.Launch(t, s.collector)
	s.listening(t)
	s.invite(t, s.home)
	stage.Launch(t, s.uplink)
	stage.Await(t, "the host's enrolment", 30*time.Second, func() bool { s.uplink.Alive(t); return s.uplink.Says("connected") })
	return s
}

// listening waits until the collector answers on its administrative socket.
func (s *system) listening(t *testing.T) {
	t.Helper()
	stage.Await(t, "the collector", 30*time.Second, func() bool {
		s.collector.Alive(t)
		_, code := run(t, stage.Built(t, "seawall-collector"), "token", "list", "--state-dir", s.state)
		return code == 0
	})
}

// invite makes a token and puts it where the uplink looks for one.
func (s *system) invite(t *testing.T, home string, options ...string) {
	t.Helper()
	file := filepath.Join(home, "token")
	token := s.token(t, options...)
	if err := errors.Join(os.WriteFile(file, []byte(token+"\n"), 0o600), os.Chown(file, stage.UplinkUser, stage.UplinkUser)); err != nil {
		t.Fatal(err)
	}
}

// token makes a token.
func (s *system) token(t *testing.T, options ...string) string {
	t.Helper()
	args := append([]string{stage.Built(t, "seawall-collector"), "token", "create", "--state-dir", s.state}, options...)
	for _, line := range strings.Fields(must(t, args...)) {
		if strings.HasPrefix(line, "seawall1_") {
			return line
		}
	}
	t.Fatal("no token is printed")
	return ""
}

// order is an order to the writer to write into the system's spool.
func (s *system) order(o order) order {
	o.Dir = s.spool
	if o.Lanes == nil {
		o.Lanes = roomy
	}
	o.Gid = stage.SpoolGroup
	return o
}

// event is a row of a host's timeline.
type event struct {
	id       int64
	host     string
	key      key
	ordinal  int
	check    string
	resource string
	actual   string
}

// stored is what a collector's store holds.
type stored struct {
	events []event
	gaps   []gap
	last   map[string]uint64 // by lane
}

// store reads the store while the collector writes it or not.
func (s *system) store(t *testing.T) (all stored) {
	t.Helper()
	err := s.query(func(db *sql.DB) (err error) {
		all, err = readStore(db)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// query opens the database to read it.
func (s *system) query(fn func(*sql.DB) error) error {
	return stage.AsOwner(s.state, func() error {
		db, err := sql.Open("sqlite", "file:"+filepath.Join(s.state, "collector.db")+"?mode=ro&_pragma=busy_timeout(10000)")
		if err != nil {
			return err
		}
		defer db.Close()
		db.SetMaxOpenConns(1)
		return fn(db)
	})
}

func readStore(db *sql.DB) (all stored, err error) {
	all.last = map[string]uint64{}
	each := func(query string, row func(scan func(...any) error) error) error {
		rows, err := db.Query(query)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := row(rows.Scan); err != nil {
				return err
			}
		}
		return rows.Err()
	}
	err = each("SELECT id, hex(host), lane, epoch, seq, ordinal, check_id, body FROM event ORDER BY id", func(scan func(...any) error) error {
		var e event
		var epoch, seq int64
		var body []byte
		if err := scan(&e.id, &e.host, &e.key.lane, &epoch, &seq, &e.ordinal, &e.check, &body); err != nil {
			return err
		}
		e.key.epoch, e.key.seq = uint64(epoch), uint64(seq)
		r, err := wire.Decode(body)
		if err != nil || r.Change == nil {
			return errors.Join(err, errors.New("an event is no change"))
		}
		e.resource, e.actual = r.Change.Result.Resource, r.Change.Result.Actual
		all.events = append(all.events, e)
		return nil
	})
	err = errors.Join(err, each("SELECT lane, from_seq, to_seq, reason FROM gap", func(scan func(...any) error) error {
		var g gap
		if err := scan(&g.lane, &g.from, &g.to, &g.reason); err != nil {
			return err
		}
		all.gaps = append(all.gaps, g)
		return nil
	}))
	return all, errors.Join(err, each("SELECT lane, max(last) FROM position GROUP BY lane", func(scan func(...any) error) error {
		var lane string
		var last uint64
		if err := scan(&lane, &last); err != nil {
			return err
		}
		all.last[lane] = last
		return nil
	}))
}

// findings counts the findings in the store.
func (s *system) findings() (n int) {
	// While the collector starts there may be none.
	s.query(func(db *sql.DB) error {
		return db.QueryRow("SELECT count(*) FROM event WHERE ordinal = 0 AND lane != ''").Scan(&n)
	})
	return n
}

// newest is the newest durable sequence of each lane of the spool.
func (s *system) newest(t *testing.T) map[string]uint64 {
	t.Helper()
	lanes, err := spool.Lanes(s.spool)
	if err != nil {
		t.Fatal(err)
	}
	newest := map[string]uint64{}
	for _, lane := range lanes {
		r, err := spool.OpenReader(s.spool, lane)
		if err != nil {
			t.Fatal(err)
		}
		_, last, err := r.Bounds()
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		if last.Seq > 0 {
			newest[lane] = last.Seq
		}
	}
	return newest
}

// drained waits until the store has reached the end of each lane of the spool.
func (s *system) drained(t *testing.T, limit time.Duration) {
	t.Helper()
	want := s.newest(t)
	var got map[string]uint64
	defer func() {
		if t.Failed() {
			t.Logf("the spool ends at %v, the store at %v", want, got)
		}
	}()
	stage.Await(t, "the spool's end in the store", limit, func() bool {
		err := s.query(func(db *sql.DB) error {
			all, err := db.Query("SELECT lane, max(last) FROM position GROUP BY lane")
			if err != nil {
				return err
			}
			defer all.Close()
			got = map[string]uint64{}
			for all.Next() {
				var lane string
				var last uint64
				if err := all.Scan(&lane, &last); err != nil {
					return err
				}
				got[lane] = last
			}
			return all.Err()
		})
		if err != nil {
			return false
		}
		for lane, last := range want {
			if got[lane] < last {
				return false
			}
		}
		return true
	})
}

// acked is what the uplink says is acknowledged, by lane.
func (s *system) acked(t *testing.T) map[string]uint64 {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.home, "state.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]uint64{} // not written yet
	}
	if err != nil {
		t.Fatal(err)
	}
	var state struct{ Acked map[string]spool.Position }
	if err := json.Unmarshal(text, &state); err != nil {
		t.Fatal(err)
	}
	acked := map[string]uint64{}
	for lane, pos := range state.Acked {
		acked[lane] = pos.Seq
	}
	return acked
}
