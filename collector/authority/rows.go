package authority

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"seawall/collector/authority/seal"
	"seawall/collector/authority/signer"
	"seawall/collector/db"
)

// Topic is what other collectors on the database are told when the authority changes,
// see [db.Tell]; they call [Authority.Refresh] then.
const Topic = "authority"

// stateRow is the name of the row with the state; the others have the id of a key.
const stateRow = "state"

var errNoRows = errors.New("the database holds no authority any more")

// rows is the table of the authorities in a database that collectors share.
type rows struct {
	data db.DB
	keys *seal.Keys
}

// sealed is one row.
type sealed struct {
	revision int64
	content  []byte
}

// reader is the query of a [db.Writer], and of a [db.Querier] with its context.
type reader func(text string, args []any, row func(scan func(...any) error) error) error

func reading(ctx context.Context, q db.Querier) reader {
	return func(text string, args []any, row func(scan func(...any) error) error) error {
		return db.Each(ctx, q, row, text, args...)
	}
}

// all returns every row.
func all(read reader) (map[string]sealed, error) {
	found := make(map[string]sealed)
	err := read("SELECT name, revision, sealed FROM authority", nil, func(scan func(...any) error) error {
		var name string
		var one sealed
		err := scan(&name, &one.revision, &one.content)
		found[name] = one
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the table authority: %w", err)
	}
	return found, nil
}

// revision returns that of the state, and false where there is none.
func revision(read reader) (n int64, there bool, err error) {
	err = read("SELECT revision FROM authority WHERE name = ?", []any{stateRow}, func(scan func(...any) error) error {
		there = true
		return scan(&n)
	})
	if err != nil {
		return 0, false, fmt.Errorf("read the revision: %w", err)
	}
	return n, there, nil
}

// view opens what the rows hold. It reports whether all are sealed with the newest key.
func (r rows) view(found map[string]sealed) (v *view, newest bool, err error) {
	row, there := found[stateRow]
	if !there {
		return nil, false, errNoRows
	}
	newest = true
	opened := func(name string) ([]byte, error) {
		row, there := found[name]
		if !there {
			return nil, errors.New("the database does not hold its key")
		}
		text, fresh, err := r.keys.Open(name, row.content)
		newest = newest && fresh
		return text, err
	}
	text, err := opened(stateRow)
	if err != nil {
		return nil, false, err
	}
	s, err := decodeState(text)
	if err != nil {
		return nil, false, fmt.Errorf("the state: %w", err)
	}
	if s.Revision != uint64(row.revision) {
		return nil, false, fmt.Errorf("the state is of revision %d and its row says %d", s.Revision, row.revision)
	}
	v, err = assemble(s, opened)
	return v, newest, err
}

// load reads the rows when they are newer than what is known. Where they are older, as
// after a standby became the primary that had not heard the last of it, or when somebody
// put back an old row, they are replaced with what is known: nothing that was distrusted
// is believed again, and no key is lost that signed.
func (r rows) load(ctx context.Context, known *view) (*view, error) {
	var found map[string]sealed
	var older bool
	err := r.data.Read(ctx, func(q db.Querier) error {
		read := reading(ctx, q)
		found, older = nil, false
		if known != nil {
			n, there, err := revision(read)
			older = there && uint64(n) < known.state.Revision
			if err != nil || older || there && uint64(n) == known.state.Revision {
				return err
			}
		}
		var err error
		found, err = all(read)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case older:
		return known, r.putBack(ctx, known)
	case found == nil:
		return known, nil
	}
	v, _, err := r.view(found)
	return v, err
}

// putBack writes what is known over rows that are older.
func (r rows) putBack(ctx context.Context, known *view) error {
	err := r.data.Write(ctx, func(w db.Writer) error {
		found, err := all(w.Rows)
		if err != nil {
			return err
		}
		v, _, err := r.view(found)
		if err != nil {
			return err
		}
		if v.state.Revision >= known.state.Revision {
			return nil // somebody else did
		}
		for _, e := range v.state.Authorities {
			if !slices.ContainsFunc(known.state.Authorities, func(k entry) bool { return k.ID == e.ID }) {
				return fmt.Errorf("the database is another: authority %s is not known here", e.ID)
			}
		}
		return r.put(w, known.state, known.signers)
	})
	if err != nil {
		return fmt.Errorf("put back what is newer than the database's: %w", err)
	}
	return nil
}

// change makes the next state in one transaction with the look at the newest.
func (r rows) change(ctx context.Context, _ *view, next func(state) (state, *signer.Signer, error)) (v *view, err error) {
	err = r.data.Write(ctx, func(w db.Writer) error {
		found, err := all(w.Rows)
		if err != nil {
			return err
		}
		if v, _, err = r.view(found); err != nil {
			return err
		}
		s, added, err := next(v.state.copy())
		if err != nil || s.equal(v.state) {
			return err
		}
		signers := slices.Clone(v.signers)
		if added != nil {
			signers = append(signers, added)
		}
		if v, err = newView(s, believed(s, signers)); err != nil {
			return err
		}
		var fresh []*signer.Signer
		if added != nil {
			fresh = []*signer.Signer{added}
		}
		return r.put(w, s, fresh)
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// believed are those signers that the state does not distrust.
func believed(s state, signers []*signer.Signer) []*signer.Signer {
	return slices.DeleteFunc(signers, func(one *signer.Signer) bool {
		return slices.ContainsFunc(s.Authorities, func(e entry) bool { return e.ID == one.ID && e.Standing == distrusted })
	})
}

// put writes the state and the keys of signers, sealed.
func (r rows) put(w db.Writer, s state, signers []*signer.Signer) error {
	const text = `INSERT INTO authority (name, revision, sealed) VALUES (?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET revision = excluded.revision, sealed = excluded.sealed`
	for _, one := range signers {
		data, err := one.Encode()
		if err != nil {
			return fmt.Errorf("write authority %s: %w", one.ID, err)
		}
		if err := w.Exec(text, one.ID, int64(0), r.keys.Seal(one.ID, data)); err != nil {
			return fmt.Errorf("write authority %s: %w", one.ID, err)
		}
	}
	data, err := s.encode()
	if err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	if err := w.Exec(text, stateRow, int64(s.Revision), r.keys.Seal(stateRow, data)); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	db.Tell(w, Topic)
	return nil
}
