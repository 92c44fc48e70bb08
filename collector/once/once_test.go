package once

import (
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"seawall/collector/db"
	"seawall/collector/store"
	"seawall/scripts/pgtest"
)

var noon = time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC)

const uuid = "0b5f8f0e-7a0c-4a53-8a9b-2f4be8a6a2d1"

func open(t *testing.T, database string, now *time.Time) (*store.Store, *Keys) {
	t.Helper()
	s, err := store.Open(t.Context(), database, store.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, Open(s, func() time.Time { return *now })
}

func wish(t *testing.T, token, path, key, body string) *Wish {
	t.Helper()
	w, err := New(token, "POST", path, key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(body)); err != nil {
		t.Fatal(err)
	}
	return w
}

// A wish is done once; its answer comes again for a day, to the same token, path and body.
func testOnce(t *testing.T, database string) {
	now := noon
	_, keys := open(t, database, &now)
	first := wish(t, "t", "/a", uuid, "{}")
	steps := []struct {
		wish *Wish
		want Answer
		err  error
	}{
		{wish: first},
		{wish: first, err: ErrRunning},
		{wish: wish(t, "t", "/a", uuid, "{} "), err: ErrOther},
		{wish: wish(t, "t", "/b", uuid, "{}")},
		{wish: wish(t, "u", "/a", uuid, "{}")},
	}
	for i, step := range steps {
		if was, err := keys.Take(t.Context(), step.wish); was != step.want || !errors.Is(err, step.err) {
			t.Errorf("step %d: %+v, %v", i, was, err)
		}
	}
	want := Answer{201, "/a/1", `{"id":1}`}
	if err := keys.Keep(t.Context(), first, want); err != nil {
		t.Fatal(err)
	}
	if err := keys.Drop(t.Context(), first); err != nil { // what was answered stays
		t.Fatal(err)
	}
	now = noon.Add(Life)
	if was, err := keys.Take(t.Context(), first); was != want || err != nil {
		t.Errorf("again: %+v, %v", was, err)
	}
	now = now.Add(1)
	if was, err := keys.Take(t.Context(), first); was != (Answer{}) || err != nil {
		t.Errorf("a day later: %+v, %v", was, err)
	}
	if err := keys.Drop(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if was, err := keys.Take(t.Context(), wish(t, "t", "/a", uuid, "other")); was != (Answer{}) || err != nil {
		t.Errorf("after it was given back: %+v, %v", was, err)
	}
}

// Of those who ask at the same time, one does it.
func testTogether(t *testing.T, database string) {
	now := noon
	_, keys := open(t, database, &now)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		w := wish(t, "t", "/a", uuid, "{}")
		wg.Go(func() { _, errs[i] = keys.Take(t.Context(), w) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, ErrRunning):
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d took the key", won)
	}
}

// A token has so many keys and no more, and takes none from others.
func testFull(t *testing.T, database string) {
	now := noon
	s, keys := open(t, database, &now)
	err := s.Write(t.Context(), func(w db.Writer) error {
		for i := range Most {
			if err := w.Exec("INSERT INTO once VALUES (?, 't', ?, ?, 200, '', '')", []byte{byte(i), byte(i >> 8)}, []byte{}, noon.UnixNano()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Take(t.Context(), wish(t, "t", "/a", uuid, "")); !errors.Is(err, ErrFull) {
		t.Errorf("the key too many: %v", err)
	}
	if _, err := keys.Take(t.Context(), wish(t, "u", "/a", uuid, "")); err != nil {
		t.Errorf("another token's: %v", err)
	}
}

func TestKeys(t *testing.T) {
	server := pgtest.Start(t)
	for name, test := range map[string]func(*testing.T, string){"once": testOnce, "together": testTogether, "full": testFull} {
		t.Run(name+"/sqlite", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "db")) })
		t.Run(name+"/postgres", func(t *testing.T) { test(t, server.New()) })
	}
}

func TestNew(t *testing.T) {
	for _, key := range []string{"", "short", strings.Repeat("k", Least-1), strings.Repeat("k", Longest+1), strings.Repeat("k", Least) + "\n", strings.Repeat("ä", Least), strings.Repeat(" ", Least)} {
		if _, err := New("t", "POST", "/a", key); err == nil {
			t.Errorf("%q is a key", key)
		}
	}
	for _, key := range []string{strings.Repeat("k", Least), strings.Repeat("k", Longest)} {
		if _, err := New("t", "POST", "/a", key); err != nil {
			t.Error(err)
		}
	}
}
