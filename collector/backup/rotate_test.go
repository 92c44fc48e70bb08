package backup

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// day is the night of a day in November.
func day(n int) time.Time {
	return time.Date(2026, 11, n, 3, 30, 0, 0, time.FixedZone("far", 3600))
}

// TestRotate: as many as are to be kept are kept, the newest; what others put there stays.
func TestRotate(t *testing.T) {
	place, s := collector(t, "")
	r := rotation{filepath.Join(t.TempDir(), "kept"), 2}
	add := func(n int) (string, []string) {
		t.Helper()
		name, removed, err := r.add(t.Context(), day(n), place, "1", nobody)
		if err != nil {
			t.Fatal(err)
		}
		return name, removed
	}
	add(1)
	if info, err := os.Stat(r.folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
	// What a run that was cut off left, somebody's folders and files, and one of a clock that was wrong.
	elsewhere := t.TempDir()
	for _, name := range []string{".2026-11-01T023001Z.filling123/ca", ".2026-11-01T023001Z.removing/ca", ".2026-11-01T023001Z.other/x",
		".git/x", "2026-10-01T000000Z/no backup", "2026-11-99T000000Z/x", "mine/x"} {
		if err := os.MkdirAll(filepath.Join(r.folder, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.CopyFS(filepath.Join(r.folder, "2030-01-01T000000Z"), os.DirFS(filepath.Join(r.folder, "2026-11-01T023000Z"))),
		os.CopyFS(filepath.Join(elsewhere, "x"), os.DirFS(filepath.Join(r.folder, "2026-11-01T023000Z"))),
		os.Symlink(filepath.Join(elsewhere, "x"), filepath.Join(r.folder, "2026-10-02T000000Z"))); err != nil {
		t.Fatal(err)
	}
	if _, removed := add(2); len(removed) > 0 {
		t.Errorf("of two %q were removed", removed)
	}
	put(t, s, "on the third")
	name, removed := add(3)
	if diff := cmp.Diff([]string{"2026-11-01T023000Z"}, removed); diff != "" || name != "2026-11-03T023000Z" {
		t.Errorf("made %s, removed (-want +got):\n%s", name, diff)
	}
	want := []string{".2026-11-01T023001Z.other", ".git", "2026-10-01T000000Z", "2026-10-02T000000Z", "2026-11-02T023000Z", "2026-11-03T023000Z",
		"2026-11-99T000000Z", "2030-01-01T000000Z", "mine"}
	if diff := cmp.Diff(want, names(t, r.folder)); diff != "" {
		t.Errorf("there is (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join(elsewhere, "x", manifestFile)); err != nil {
		t.Errorf("what a link leads to: %v", err)
	}
	r.keep = 1
	if _, removed := add(4); len(removed) != 2 {
		t.Errorf("removed %q", removed)
	}
	to := Place{StateDir: t.TempDir()}
	to.Store = filepath.Join(to.StateDir, "collector.db")
	if err := Restore(t.Context(), filepath.Join(r.folder, "2026-11-04T023000Z"), to, nobody); err != nil || !has(t, to, "on the third") {
		t.Errorf("the one that was kept: %v", err)
	}
}

// TestSameSecond: two backups that begin in one second are two.
func TestSameSecond(t *testing.T) {
	place, _ := collector(t, "")
	r := rotation{t.TempDir(), 3}
	var made []string
	for range 3 {
		name, removed, err := r.add(t.Context(), day(1), place, "1", nobody)
		if err != nil || len(removed) > 0 {
			t.Fatalf("removed %q, %v", removed, err)
		}
		made = append(made, name)
	}
	if want := []string{"2026-11-01T023000Z", "2026-11-01T023001Z", "2026-11-01T023002Z"}; !slices.Equal(made, want) || !slices.Equal(names(t, r.folder), want) {
		t.Errorf("made %q, there is %q", made, names(t, r.folder))
	}
}

// TestRotateFails: where no backup is made none is removed, and nothing of it is left.
func TestRotateFails(t *testing.T) {
	place, _ := collector(t, "")
	r := rotation{t.TempDir(), 1}
	first, _, err := r.add(t.Context(), day(1), place, "1", nobody)
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	lost := Place{Store: filepath.Join(t.TempDir(), "no", "collector.db"), StateDir: place.StateDir}
	unlock, err := r.lock()
	if err != nil {
		t.Fatal(err)
	}
	_, _, busy := r.add(t.Context(), day(2), place, "1", nobody)
	unlock()
	_, _, cut := r.add(ended, day(2), place, "1", nobody)
	_, _, missing := r.add(t.Context(), day(2), lost, "1", nobody)
	_, _, none := rotation{r.folder, 0}.add(t.Context(), day(2), place, "1", nobody)
	_, _, many := rotation{r.folder, maxKept + 1}.add(t.Context(), day(2), place, "1", nobody)
	_, _, nowhere := rotation{filepath.Join(r.folder, "a", "b"), 1}.add(t.Context(), day(2), place, "1", nobody)
	for what, err := range map[string]error{"while another is made: being made there": busy, "that is cut off: context canceled": cut,
		"of nothing: no such file": missing, "of none to keep: 1 to 1000": none,
		"of too many: 1 to 1000": many, "in no folder: no such file": nowhere} {
		what, want, _ := strings.Cut(what, ": ")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a backup %s: %v, want %q", what, err, want)
		}
	}
	if diff := cmp.Diff([]string{first}, names(t, r.folder)); diff != "" {
		t.Errorf("there is (-want +got):\n%s", diff)
	}
}
