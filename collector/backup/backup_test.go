package backup

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/db"
	"seawall/collector/store"
	"seawall/collector/store/move"
	"seawall/scripts/pgtest"
)

// collector is a place with a store that is open, and keys.
func collector(t *testing.T, name string) (Place, *store.Store) {
	t.Helper()
	p := Place{Store: name, StateDir: t.TempDir()}
	if name == "" {
		p.Store = filepath.Join(p.StateDir, "collector.db")
	}
	s, err := store.Open(t.Context(), p.Store, store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := os.Mkdir(filepath.Join(p.StateDir, "ca"), 0o700); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{"0123456789abcdef.pem": "a key", "state.json": "{}"} {
		if err := os.WriteFile(filepath.Join(p.StateDir, "ca", file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(t, s, "from the beginning")
	return p, s
}

// put writes something into a store.
func put(t *testing.T, s *store.Store, what string) {
	t.Helper()
	if err := s.Write(t.Context(), func(w db.Writer) error {
		return w.Exec("INSERT INTO meta VALUES (?, 7)", what)
	}); err != nil {
		t.Fatal(err)
	}
}

// has opens a place's store and reports whether something is in it.
func has(t *testing.T, p Place, what string) (found bool) {
	t.Helper()
	s, err := store.Open(t.Context(), p.Store, store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.Read(t.Context(), func(q db.Querier) error {
		var n int
		found, err = db.One(t.Context(), q, "SELECT value FROM meta WHERE name = ?", []any{what}, &n)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func nobody(move.Table) {}

// TestBackup: a collector that runs is kept and put back, into either kind of database.
func TestBackup(t *testing.T) {
	server := pgtest.Start(t)
	for name, from := range map[string]string{"file": "", "server": server.New()} {
		t.Run(name, func(t *testing.T) {
			place, s := collector(t, from)
			folder := filepath.Join(t.TempDir(), "kept")
			if err := Make(t.Context(), place, folder, "1.2.3", nobody); err != nil {
				t.Fatal(err)
			}
			put(t, s, "later")
			want := []string{"backup.json", "ca", "collector.db"}
			if from != "" {
				want = []string{"backup.json", "collector.db"}
			}
			if diff := cmp.Diff(want, names(t, folder)); diff != "" {
				t.Errorf("the backup (-want +got):\n%s", diff)
			}
			if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("its mode is %v, %v", info.Mode(), err)
			}
			if got := names(t, filepath.Dir(folder)); len(got) != 1 {
				t.Errorf("beside it is %q", got)
			}
			for _, store := range []string{"", server.New()} {
				to := Place{Store: store, StateDir: t.TempDir()}
				if store == "" {
					to.Store = filepath.Join(to.StateDir, "collector.db")
				}
				if err := os.Chown(to.StateDir, 12345, 12346); err != nil {
					t.Fatal(err)
				}
				if err := Restore(t.Context(), folder, to, nobody); err != nil {
					t.Fatal(err)
				}
				for _, name := range names(t, to.StateDir) {
					info, err := os.Stat(filepath.Join(to.StateDir, name))
					if err != nil {
						t.Fatal(err)
					}
					if owner := info.Sys().(*syscall.Stat_t); owner.Uid != 12345 || owner.Gid != 12346 || info.Mode().Perm()&0o077 != 0 {
						t.Errorf("%s belongs to %d:%d and has mode %v", name, owner.Uid, owner.Gid, info.Mode())
					}
				}
				key, err := os.ReadFile(filepath.Join(to.StateDir, "ca", "0123456789abcdef.pem"))
				if (from == "") != (err == nil && string(key) == "a key") {
					t.Errorf("the key is %q, %v", key, err)
				}
				if !has(t, to, "from the beginning") || has(t, to, "later") {
					t.Error("what was restored is not what was there when the backup was made")
				}
			}
		})
	}
}

func names(t *testing.T, folder string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// TestDamaged: of a backup that is not what was made nothing is restored.
func TestDamaged(t *testing.T) {
	place, _ := collector(t, "")
	folder := filepath.Join(t.TempDir(), "kept")
	if err := Make(t.Context(), place, folder, "1", nobody); err != nil {
		t.Fatal(err)
	}
	edit := func(name string, change func(string) string) func(*testing.T, string) {
		return func(t *testing.T, folder string) {
			data, err := os.ReadFile(filepath.Join(folder, name))
			if err != nil {
				t.Fatal(err)
			}
			after := change(string(data))
			if after == string(data) {
				t.Fatal("nothing was changed")
			}
			if err := os.WriteFile(filepath.Join(folder, name), []byte(after), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, damage := range map[string]func(*testing.T, string){
		"a row":        edit("collector.db", func(s string) string { return strings.ReplaceAll(s, "from the beginning", "from the beginninG") }),
		"a page":       edit("collector.db", func(s string) string { return s[:4096] + strings.Repeat("\xaa", 8192) + s[3*4096:] }),
		"the end":      edit("collector.db", func(s string) string { return s[:len(s)/2] }),
		"a key":        edit("ca/0123456789abcdef.pem", strings.ToUpper),
		"no key":       func(_ *testing.T, folder string) { os.Remove(filepath.Join(folder, "ca/state.json")) },
		"no database":  func(_ *testing.T, folder string) { os.Remove(filepath.Join(folder, "collector.db")) },
		"no manifest":  func(_ *testing.T, folder string) { os.Remove(filepath.Join(folder, "backup.json")) },
		"a later form": edit("backup.json", func(s string) string { return strings.Replace(s, `"format": 1`, `"format": 2`, 1) }),
		"a digest":     edit("backup.json", func(s string) string { return strings.Replace(s, `"sha256": "`, `"sha256": "0`, 1) }),
		"a table": edit("backup.json", func(s string) string {
			return strings.Replace(s, `"tables": [`, `"tables": [{"name":"x","sha256":""},`, 1)
		}),
		"a name outside": edit("backup.json", func(s string) string { return strings.Replace(s, `"state.json"`, `"../state.json"`, 1) }),
		"a large file":   edit("backup.json", func(s string) string { return s + strings.Repeat(" ", maxFile) }),
	} {
		t.Run(name, func(t *testing.T) {
			bad := filepath.Join(t.TempDir(), "bad")
			if err := os.CopyFS(bad, os.DirFS(folder)); err != nil {
				t.Fatal(err)
			}
			damage(t, bad)
			to := Place{StateDir: t.TempDir()}
			to.Store = filepath.Join(to.StateDir, "collector.db")
			err := Restore(t.Context(), bad, to, nobody)
			if err == nil {
				t.Fatal("it was restored")
			}
			t.Log(err)
			if got := names(t, to.StateDir); len(got) > 1 || len(got) == 1 && got[0] != "collector.db.lock" {
				t.Errorf("left %q", got)
			}
		})
	}
}

// TestNotOver: nothing that is there is written over, and a restore that was cut off
// after the keys goes on.
func TestNotOver(t *testing.T) {
	place, s := collector(t, "")
	folder := filepath.Join(t.TempDir(), "kept")
	for _, want := range []bool{true, false} {
		if err := Make(t.Context(), place, folder, "1", nobody); (err == nil) != want {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Restore(t.Context(), folder, place, nobody); !errors.Is(err, move.ErrNotEmpty) {
		t.Errorf("over a collector: %v", err)
	}
	if !has(t, place, "from the beginning") {
		t.Error("the collector's database is another")
	}
	if err := os.Remove(place.Store); err != nil {
		t.Fatal(err)
	}
	if err := Restore(t.Context(), folder, place, nobody); err != nil {
		t.Errorf("with the same keys there: %v", err)
	}
	if err := errors.Join(os.Remove(place.Store), os.WriteFile(filepath.Join(place.StateDir, "ca", "state.json"), []byte("other"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := Restore(t.Context(), folder, place, nobody); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("with other keys there: %v", err)
	}
	if _, err := os.Stat(place.Store); err == nil {
		t.Error("a database beside other keys")
	}
}

// FuzzManifest: what is taken names no file outside of the backup, and is the same when it
// is written again.
func FuzzManifest(f *testing.F) {
	made := time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)
	good, err := json.Marshal(manifest{Format: 1, Made: made, Program: "1", Tables: []entry{{"host", 3, "00"}}, Files: []entry{{"state.json", 0, "00"}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"format":1,"files":[{"name":"../x"}]}`))
	f.Add([]byte(`{"format":1}{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseManifest(data)
		if err != nil {
			return
		}
		for _, file := range m.Files {
			if strings.Contains(file.Name, "/") || !filepath.IsLocal(file.Name) || strings.HasPrefix(file.Name, ".") {
				t.Errorf("a file named %q", file.Name)
			}
		}
		again, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := parseManifest(again); err != nil || !cmp.Equal(m, twice) {
			t.Errorf("%s became %+v, %v", again, twice, err)
		}
	})
}
