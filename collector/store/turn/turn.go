package turn

import (
	"encoding/hex"
	"fmt"
	"strings"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store/schema"
)

const (
	// kept is how many rows there are at least for those who are behind, and trimEvery
	// after how many turns older ones go.
	kept, trimEvery = 5000, 500
	// maxBehind bounds the rows of others that are read to forget no more than they
	// changed.
	maxBehind = 500
	// Channel is where the database notifies of a turn.
	Channel = "seawall_turn"
)

// Ask is the query for [Turns.Begin], one row of two numbers.
const Ask = "SELECT (SELECT coalesce(max(number), 0) FROM turn), (SELECT coalesce(max(version), 0) FROM migration)"

// Change is what a transaction changed.
type Change struct {
	Hosts       []fleet.HostID // whose rows, as far as they are remembered, are others
	Members     []fleet.HostID // whose row in member is another
	Topics      []string       // what else there is news of
	First, Last int64          // events that it wrote; 0 for none
	Whole       Whole
}

// Whole says that a change is not of single hosts.
type Whole int

// Hosts are those whose rows may be others: all of them; and Members all of these, too.
const (
	Single Whole = iota
	Hosts
	Members
)

// Turns is one collector's. One goroutine uses it at a time.
type Turns struct {
	collector int64
	version   int
	last      int64 // the newest that is known; what is remembered is of then
	open      int64 // of the transaction
	sure      bool  // last is known
}

// New returns the turns of a collector that drew that number, which is not 0, and knows
// the schema of that version.
func New(collector int64, version int) *Turns { return &Turns{collector: collector, version: version} }

// Past is what others changed since the last turn.
type Past struct {
	All   bool // it is not known what
	Hosts []fleet.HostID
}

// Begin begins a turn in an open transaction whose answer to [Ask] is newest and
// version. On a fresh connection nothing is known of what happened.
func (t *Turns) Begin(w db.Writer, fresh bool, newest int64, version int) (Past, error) {
	if version > t.version {
		return Past{All: true}, fmt.Errorf("schema version %d, this program knows %d: %w", version, t.version, schema.ErrNewer)
	}
	t.open = newest + 1
	if fresh || !t.sure || newest < t.last || newest-t.last > maxBehind {
		return Past{All: true}, nil
	}
	if newest == t.last {
		return Past{}, nil
	}
	return t.past(w, newest)
}

func (t *Turns) past(w db.Writer, newest int64) (p Past, err error) {
	rows := int64(0)
	err = w.Rows("SELECT hosts, members, whole FROM turn WHERE number > ? AND number <= ?", []any{t.last, newest},
		func(scan func(...any) error) error {
			rows++
			var hosts, members []byte
			var whole Whole
			if err := scan(&hosts, &members, &whole); err != nil {
				return err
			}
			p.All = p.All || whole != Single
			p.Hosts = append(append(p.Hosts, unpack(hosts)...), unpack(members)...)
			return nil
		})
	if err != nil {
		return Past{All: true}, fmt.Errorf("read the turns of others: %w", err)
	}
	p.All = p.All || rows != newest-t.last
	return p, nil
}

// End writes the turn's row, at the end of a transaction that changed something.
func (t *Turns) End(w db.Writer, c Change) error {
	hosts, err := pack(c.Hosts)
	if err != nil {
		return err
	}
	members, err := pack(c.Members)
	if err != nil {
		return err
	}
	err = w.Exec("INSERT INTO turn VALUES (?, ?, ?, ?, ?, ?, ?, ?)", t.open, t.collector, strings.Join(c.Topics, "\n"), hosts, members, c.First, c.Last, c.Whole)
	if err != nil {
		return fmt.Errorf("write the turn: %w", err)
	}
	if t.open%trimEvery == 0 {
		if err := w.Exec("DELETE FROM turn WHERE number <= ?", t.open-kept); err != nil {
			return fmt.Errorf("delete old turns: %w", err)
		}
	}
	if err := w.Exec("SELECT pg_notify('" + Channel + "', '')"); err != nil {
		return fmt.Errorf("notify others: %w", err)
	}
	return nil
}

// Done says that the transaction is over: committed with a row of its own (taken), or
// without any effect on the table.
func (t *Turns) Done(taken bool) {
	t.sure = true
	if t.last = t.open - 1; taken {
		t.last = t.open
	}
}

// Unsure says that nobody knows what became of the transaction. Nothing that is
// remembered counts then.
func (t *Turns) Unsure() { t.sure = false }

// pack and unpack put hosts into a column.
func pack(ids []fleet.HostID) ([]byte, error) {
	all := make([]byte, 0, 16*len(ids))
	for _, id := range ids {
		key, err := id.Bytes()
		if err != nil {
			return nil, err
		}
		all = append(all, key...)
	}
	return all, nil
}

func unpack(all []byte) []fleet.HostID {
	ids := make([]fleet.HostID, 0, len(all)/16)
	for ; len(all) >= 16; all = all[16:] {
		ids = append(ids, fleet.HostID(hex.EncodeToString(all[:16])))
	}
	return ids
}
