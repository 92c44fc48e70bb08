package authority

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"seawall/collector/authority/seal"
	"seawall/collector/authority/signer"
	"seawall/collector/db"
)

// OpenSealed reads the authority from the database that collectors share, where it is
// sealed with the key in the file keyFile. Where the database holds none, it takes over
// the one in the folder "ca" of the collector's state folder, or else makes one, and
// makes the key file, too, if there is none.
func OpenSealed(ctx context.Context, data db.DB, keyFile, folder string, cfg Config) (*Authority, error) {
	cfg.complete()
	found, err := stored(ctx, data)
	if err != nil {
		return nil, fmt.Errorf("open the authority: %w", err)
	}
	if len(found) == 0 {
		if err := begin(ctx, data, keyFile, folder, cfg); err != nil {
			return nil, fmt.Errorf("make the authority: %w", err)
		}
	}
	keys, err := seal.Read(keyFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the database holds the authority sealed; copy the file with the key from the collector that made it: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("open the authority: %w", err)
	}
	r := rows{data, keys}
	v, err := r.open(ctx)
	if errors.Is(err, seal.ErrOtherKey) {
		return nil, fmt.Errorf("%s holds key %s; copy the file from the collector that made the authority: %w", keyFile, keys.ID(), err)
	}
	if err != nil {
		return nil, fmt.Errorf("authority: %w; restore the database from a backup, as new keys would lock out every host", err)
	}
	return newAuthority(r, v, cfg), nil
}

func stored(ctx context.Context, data db.DB) (found map[string]sealed, err error) {
	err = data.Read(ctx, func(q db.Querier) (err error) {
		found, err = all(reading(ctx, q))
		return err
	})
	return found, err
}

// begin puts the first authority into the database. When two collectors do so at once,
// the one that came first is kept.
func begin(ctx context.Context, data db.DB, keyFile, folder string, cfg Config) error {
	s, signers, taken, err := origin(ctx, diskIn(folder), cfg)
	if err != nil {
		return err
	}
	keys, err := seal.Read(keyFile)
	if errors.Is(err, fs.ErrNotExist) {
		if err := seal.Make(keyFile); err != nil {
			return err
		}
		cfg.Log.Info("made the key that seals the authority; back it up, and copy it to the other collectors", "file", keyFile)
		keys, err = seal.Read(keyFile)
	}
	if err != nil {
		return err
	}
	first := false
	err = data.Write(ctx, func(w db.Writer) error {
		_, there, err := revision(w.Rows)
		if first = err == nil && !there; !first {
			return err
		}
		return rows{data, keys}.put(w, s, signers)
	})
	if err != nil {
		return err
	}
	id := s.Authorities[len(s.Authorities)-1].ID
	switch {
	case first && taken:
		cfg.Log.Warn("the authority's keys are in the database now, sealed; remove the folder once the seal key is backed up",
			"id", id, "folder", filepath.Join(folder, folderName))
	case first:
		cfg.Log.Info("made the authority", "id", id)
	}
	return nil
}

// origin returns the authority of the folder, or one that is new.
func origin(ctx context.Context, d disk, cfg Config) (s state, signers []*signer.Signer, taken bool, err error) {
	there, err := d.there()
	if err != nil {
		return s, nil, false, err
	}
	if there {
		v, err := d.load(ctx, nil)
		if err != nil {
			return s, nil, false, fmt.Errorf("take over %s: %w", d.folder, err)
		}
		return v.state, v.signers, true, nil
	}
	if err := cfg.Make(); err != nil {
		return s, nil, false, fmt.Errorf("no authority in the database, nor in %s: %w", d.folder, err)
	}
	one, err := signer.New(cfg.Now())
	if err != nil {
		return s, nil, false, err
	}
	return state{uint64(cfg.Now().Unix()), []entry{entryOf(one)}}, []*signer.Signer{one}, false, nil
}

// open reads the rows, and seals them anew where that was with an older key.
func (r rows) open(ctx context.Context) (v *view, err error) {
	found, err := stored(ctx, r.data)
	if err != nil {
		return nil, err
	}
	v, newest, err := r.view(found)
	if err != nil || newest {
		return v, err
	}
	err = r.data.Write(ctx, func(w db.Writer) error {
		found, err := all(w.Rows)
		if err != nil {
			return err
		}
		for name, row := range found {
			text, newest, err := r.keys.Open(name, row.content)
			if err != nil || newest {
				continue // a key that nobody needs, or done by another collector
			}
			if err := w.Exec("UPDATE authority SET sealed = ? WHERE name = ?", r.keys.Seal(name, text), name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("seal the authority anew: %w", err)
	}
	return v, nil
}

// Unseal makes the folder "ca" of what the database holds sealed, and deletes it there:
// for a database of a single collector that was filled from a shared one. It does
// nothing where the database holds none, and refuses to choose where the folder is older.
func Unseal(ctx context.Context, data db.DB, keyFile, folder string) error {
	found, err := stored(ctx, data)
	if err != nil {
		return fmt.Errorf("unseal the authority: %w", err)
	}
	if len(found) == 0 {
		return nil
	}
	d := diskIn(folder)
	there, err := d.there()
	if err != nil {
		return fmt.Errorf("unseal the authority: %w", err)
	}
	if !there {
		if err := d.unseal(found, keyFile); err != nil {
			return fmt.Errorf("unseal the authority that the database holds: %w", err)
		}
	}
	v, err := d.load(ctx, nil)
	if err != nil {
		return fmt.Errorf("unseal the authority: %w", err)
	}
	if n := found[stateRow].revision; uint64(n) > v.state.Revision {
		return fmt.Errorf("the database holds an authority of revision %d and %s one of revision %d; move the folder away to use the database's",
			n, d.folder, v.state.Revision)
	}
	err = data.Write(ctx, func(w db.Writer) error { return w.Exec("DELETE FROM authority") })
	if err != nil {
		return fmt.Errorf("delete what was sealed: %w", err)
	}
	return nil
}

// unseal makes the folder of the rows.
func (d disk) unseal(found map[string]sealed, keyFile string) error {
	keys, err := seal.Read(keyFile)
	if err != nil {
		return err
	}
	v, _, err := rows{nil, keys}.view(found)
	if err != nil {
		return err
	}
	_, err = d.create(v.state, v.signers)
	return err
}
