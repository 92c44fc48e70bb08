package authority_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"seawall/collector/authority"
	"seawall/collector/authority/seal"
	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store"
	"seawall/pkg/trust"
)

const host fleet.HostID = "00112233445566778899aabbccddeeff"

func database(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// open opens the authority of a collector whose files are in the folder.
func open(t *testing.T, data db.DB, folder string) *authority.Authority {
	t.Helper()
	a, err := authority.OpenSealed(t.Context(), data, keyIn(folder), folder, authority.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func keyIn(folder string) string { return filepath.Join(folder, "seal.key") }

// other is the folder of another collector that has the same key.
func other(t *testing.T, folder string) string {
	t.Helper()
	to := t.TempDir()
	data, err := os.ReadFile(keyIn(folder))
	must(t, err)
	must(t, os.WriteFile(keyIn(to), data, 0o600))
	return to
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func chainOf(t *testing.T, a *authority.Authority) []*x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	der, _, err := a.Issue(host, &key.PublicKey)
	must(t, err)
	c, err := x509.ParseCertificate(der[0])
	must(t, err)
	return []*x509.Certificate{c}
}

func bundle(a *authority.Authority) trust.Bundle {
	b, _ := a.Bundle()
	return b
}

// agree holds that collectors have one authority: what each signs the others believe.
func agree(t *testing.T, all ...*authority.Authority) {
	t.Helper()
	for _, a := range all {
		if a.Pin() != all[0].Pin() || bundle(a).Revision != bundle(all[0]).Revision || len(a.List()) != len(all[0].List()) {
			t.Errorf("two authorities: %+v and %+v", a.List(), all[0].List())
		}
		for _, b := range all {
			if id, err := b.VerifyHost(chainOf(t, a), time.Now()); err != nil || id != host {
				t.Errorf("%q, %v", id, err)
			}
		}
	}
}

// TestShared has two collectors use the authority of one database.
func TestShared(t *testing.T) {
	data, first := database(t), t.TempDir()
	a := open(t, data, first)
	b := open(t, data, other(t, first))
	agree(t, a, b)
	if _, err := os.Stat(filepath.Join(first, "ca")); err == nil {
		t.Error("there are keys in the folder")
	}
	_, changed := b.Bundle()
	must(t, a.Rotate(t.Context()))
	stranger := chainOf(t, a)
	if _, err := b.VerifyHost(stranger, time.Now()); err == nil {
		t.Error("known before it was looked for")
	}
	must(t, b.Refresh(t.Context()))
	<-changed
	agree(t, a, b)
	// What the other did is not undone by one who has not heard of it.
	must(t, b.Rotate(t.Context()))
	must(t, a.Retire(t.Context(), a.List()[0].ID, true))
	if len(a.List()) != 3 || !a.List()[0].Distrusted {
		t.Errorf("%+v", a.List())
	}
	must(t, b.Refresh(t.Context()))
	agree(t, a, b, open(t, data, other(t, first)))
	_, changed = b.Bundle()
	must(t, b.Refresh(t.Context()))
	select {
	case <-changed:
		t.Error("told of nothing")
	default:
	}
}

// TestOpenSealedAtOnce starts many collectors on an empty database at once.
func TestOpenSealedAtOnce(t *testing.T) {
	data, first := database(t), t.TempDir()
	must(t, seal.Make(keyIn(first)))
	all := make([]*authority.Authority, 6)
	var wg sync.WaitGroup
	for i := range all {
		folder := other(t, first)
		wg.Go(func() {
			var err error
			if all[i], err = authority.OpenSealed(t.Context(), data, keyIn(folder), folder, authority.Config{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if !t.Failed() {
		agree(t, all...)
	}
}

// TestRotateAtOnce has two collectors rotate and retire at once, and loses nothing.
func TestRotateAtOnce(t *testing.T) {
	data, first := database(t), t.TempDir()
	all := []*authority.Authority{open(t, data, first), open(t, data, other(t, first))}
	var wg sync.WaitGroup
	for _, a := range all {
		wg.Go(func() {
			for range 2 {
				if err := a.Rotate(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, a := range all {
		must(t, a.Refresh(t.Context()))
	}
	if n := len(all[0].List()); n != 5 {
		t.Errorf("%d authorities", n)
	}
	agree(t, all...)
}

// TestTakeOver moves an authority from the folder into the database and back.
func TestTakeOver(t *testing.T) {
	data, folder := database(t), t.TempDir()
	before, err := authority.Open(folder, authority.Config{})
	must(t, err)
	must(t, before.Rotate(t.Context()))
	must(t, before.Retire(t.Context(), before.List()[0].ID, false))
	known := chainOf(t, before)
	a := open(t, data, folder)
	agree(t, before, a)
	must(t, a.Rotate(t.Context()))
	if _, err := a.VerifyHost(known, time.Now()); err != nil {
		t.Error(err)
	}
	// The folder is older now: nobody is to fall back to it.
	if err := authority.Unseal(t.Context(), data, keyIn(folder), folder); err == nil || !strings.Contains(err.Error(), "move the folder away") {
		t.Errorf("an older folder: %v", err)
	}
	back := other(t, folder)
	must(t, authority.Unseal(t.Context(), data, keyIn(back), back))
	alone, err := authority.Open(back, authority.Config{})
	must(t, err)
	agree(t, a, alone)
	if rows := rowsOf(t, data); len(rows) != 0 {
		t.Errorf("%d rows are left", len(rows))
	}
	must(t, authority.Unseal(t.Context(), data, "no such file", back)) // nothing is left to do
}

// rowsOf returns what the table holds.
func rowsOf(t *testing.T, data db.DB) map[string][]byte {
	t.Helper()
	found := make(map[string][]byte)
	must(t, data.Read(t.Context(), func(q db.Querier) error {
		return db.Each(t.Context(), q, func(scan func(...any) error) error {
			var name string
			var sealed []byte
			err := scan(&name, &sealed)
			found[name] = sealed
			return err
		}, "SELECT name, sealed FROM authority")
	}))
	return found
}

func execute(t *testing.T, data db.DB, text string, args ...any) {
	t.Helper()
	must(t, data.Write(t.Context(), func(w db.Writer) error { return w.Exec(text, args...) }))
}

// TestNothingReadable looks for a key in what the database holds.
func TestNothingReadable(t *testing.T) {
	data, folder := database(t), t.TempDir()
	a := open(t, data, folder)
	for name, sealed := range rowsOf(t, data) {
		for _, word := range []string{"PRIVATE", "CERTIFICATE", "revision", a.List()[0].ID} {
			if bytes.Contains(sealed, []byte(word)) {
				t.Errorf("row %s shows %q", name, word)
			}
		}
	}
}

// TestSealedRefuses has nothing opened that was altered, and never makes new keys in
// place of those that cannot be opened.
func TestSealedRefuses(t *testing.T) {
	swap := func(t *testing.T, data db.DB, from map[string][]byte, a, b string) {
		execute(t, data, "UPDATE authority SET sealed = ? WHERE name = ?", from[a], b)
	}
	for name, test := range map[string]struct {
		spoil func(t *testing.T, data db.DB, folder string, ids []string, rows map[string][]byte)
		want  string
	}{
		"no key file": {func(t *testing.T, _ db.DB, folder string, _ []string, _ map[string][]byte) {
			must(t, os.Remove(keyIn(folder)))
		}, "copy the file"},
		"another key": {func(t *testing.T, _ db.DB, folder string, _ []string, _ map[string][]byte) {
			must(t, errors.Join(os.Remove(keyIn(folder)), seal.Make(keyIn(folder))))
		}, "copy the file"},
		"key open to others": {func(t *testing.T, _ db.DB, folder string, _ []string, _ map[string][]byte) {
			must(t, os.Chmod(keyIn(folder), 0o644))
		}, "make it 0600"},
		"two keys exchanged": {func(t *testing.T, data db.DB, _ string, ids []string, rows map[string][]byte) {
			swap(t, data, rows, ids[0], ids[1])
			swap(t, data, rows, ids[1], ids[0])
		}, "altered"},
		"key lost": {func(t *testing.T, data db.DB, _ string, ids []string, _ map[string][]byte) {
			execute(t, data, "DELETE FROM authority WHERE name = ?", ids[0])
		}, "does not hold its key"},
		"state lost": {func(t *testing.T, data db.DB, _ string, _ []string, _ map[string][]byte) {
			execute(t, data, "DELETE FROM authority WHERE name = 'state'")
		}, "no authority"},
		"state altered": {func(t *testing.T, data db.DB, _ string, _ []string, rows map[string][]byte) {
			s := bytes.Clone(rows["state"])
			s[len(s)-1] ^= 1
			execute(t, data, "UPDATE authority SET sealed = ? WHERE name = 'state'", s)
		}, "altered"},
		"revision altered": {func(t *testing.T, data db.DB, _ string, _ []string, _ map[string][]byte) {
			execute(t, data, "UPDATE authority SET revision = revision + 1 WHERE name = 'state'")
		}, "its row says"},
		"a key as state": {func(t *testing.T, data db.DB, _ string, ids []string, rows map[string][]byte) {
			swap(t, data, rows, ids[0], "state")
		}, "altered"},
	} {
		t.Run(name, func(t *testing.T) {
			data, folder := database(t), t.TempDir()
			a := open(t, data, folder)
			must(t, a.Rotate(t.Context()))
			test.spoil(t, data, folder, []string{a.List()[0].ID, a.List()[1].ID}, rowsOf(t, data))
			n := len(rowsOf(t, data))
			_, err := authority.OpenSealed(t.Context(), data, keyIn(folder), folder, authority.Config{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
			if got := len(rowsOf(t, data)); got != n {
				t.Errorf("%d rows, were %d", got, n)
			}
		})
	}
}

// TestSetBack sets the rows back to older ones under a running collector: what was
// distrusted stays so, and the newest key is not lost.
func TestSetBack(t *testing.T) {
	data, folder := database(t), t.TempDir()
	a, b := open(t, data, folder), open(t, data, other(t, folder))
	old := rowsOf(t, data)
	revision := bundle(a).Revision
	must(t, a.Rotate(t.Context()))
	must(t, a.Retire(t.Context(), a.List()[0].ID, true))
	execute(t, data, "DELETE FROM authority WHERE name <> 'state' AND name <> ?", a.List()[0].ID)
	execute(t, data, "UPDATE authority SET sealed = ?, revision = ? WHERE name = 'state'", old["state"], int64(revision))
	must(t, b.Refresh(t.Context())) // it knows no newer
	if len(b.List()) != 1 {
		t.Fatalf("%+v", b.List())
	}
	must(t, a.Refresh(t.Context()))
	must(t, b.Refresh(t.Context()))
	for _, one := range []*authority.Authority{a, b, open(t, data, other(t, folder))} {
		if l := one.List(); len(l) != 2 || !l[0].Distrusted || !l[1].Active {
			t.Errorf("%+v", l)
		}
	}
	agree(t, a, b)
}

// TestForeign puts another authority's rows under a running collector, and none.
func TestForeign(t *testing.T) {
	data, folder := database(t), t.TempDir()
	a := open(t, data, folder)
	elsewhere := database(t)
	revision := bundle(open(t, elsewhere, other(t, folder))).Revision
	for range 3 {
		must(t, a.Rotate(t.Context()))
	}
	before := a.Pin()
	execute(t, data, "DELETE FROM authority")
	if err := a.Refresh(t.Context()); err == nil {
		t.Error("no word of rows that are gone")
	}
	if err := a.Rotate(t.Context()); err == nil {
		t.Error("rotated what the database does not hold")
	}
	for name, sealed := range rowsOf(t, elsewhere) {
		execute(t, data, "INSERT INTO authority VALUES (?, ?, ?)", name, int64(revision), sealed)
	}
	if err := a.Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), "database is another") {
		t.Errorf("another authority's rows: %v", err)
	}
	if a.Pin() != before || len(a.List()) != 4 {
		t.Error("another authority signs")
	}
}

// TestReplaceKey replaces the seal key as the documentation says.
func TestReplaceKey(t *testing.T) {
	data, folder := database(t), t.TempDir()
	a := open(t, data, folder)
	must(t, a.Rotate(t.Context()))
	before := rowsOf(t, data)
	old, err := os.ReadFile(keyIn(folder))
	must(t, err)
	next := t.TempDir()
	must(t, seal.Make(keyIn(next)))
	fresh, err := os.ReadFile(keyIn(next))
	must(t, err)
	must(t, os.WriteFile(keyIn(folder), append(fresh, old...), 0o600))
	agree(t, a, open(t, data, folder))
	for name, sealed := range rowsOf(t, data) {
		if bytes.Equal(sealed, before[name]) {
			t.Errorf("row %s is sealed with the old key", name)
		}
	}
	agree(t, a, open(t, data, next)) // the new key alone
}

// broken is a database that fails to write, once it has done the work.
type broken struct{ db.DB }

var errBroken = errors.New("the disk is full")

func (b broken) Write(ctx context.Context, do func(db.Writer) error) error {
	return b.DB.Write(ctx, func(w db.Writer) error { return errors.Join(do(w), errBroken) })
}

// TestSealedFails has a change fail: the authority is as before, here and there.
func TestSealedFails(t *testing.T) {
	data, folder := database(t), t.TempDir()
	if _, err := authority.OpenSealed(t.Context(), broken{data}, keyIn(folder), folder, authority.Config{}); !errors.Is(err, errBroken) {
		t.Errorf("made on a full disk: %v", err)
	}
	if n := len(rowsOf(t, data)); n != 0 {
		t.Errorf("%d rows", n)
	}
	good := open(t, data, folder)
	a := open(t, broken{data}, folder)
	_, changed := a.Bundle()
	if err := a.Rotate(t.Context()); !errors.Is(err, errBroken) {
		t.Errorf("rotated on a full disk: %v", err)
	}
	select {
	case <-changed:
		t.Error("told of what was not done")
	default:
	}
	agree(t, good, a)
}
