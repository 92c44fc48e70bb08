package fswatch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// watch starts a Watcher of names and returns its reports.
func watch(t *testing.T, names ...string) (*Watcher, <-chan string) {
	t.Helper()
	w, err := New()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Set(names); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	reports := make(chan string, 1024)
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx, func(name string) { reports <- name }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	})
	return w, reports
}

// expect waits for a report of name, passing over others.
func expect(t *testing.T, reports <-chan string, name string) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		select {
		case got := <-reports:
			if got == name {
				return
			}
		case <-deadline:
			t.Fatalf("no report of %s", name)
		}
	}
}

// expectOnceWatched writes name until it is reported: what is written before a
// new directory is watched is covered by the report of the directory.
func expectOnceWatched(t *testing.T, reports <-chan string, name string) {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(30 * time.Second)
	for {
		select {
		case got := <-reports:
			if got == name {
				return
			}
		case <-again.C:
			write(t, name, "again")
		case <-deadline:
			t.Fatalf("no report of %s", name)
		}
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "config")
	_, reports := watch(t, name)

	write(t, name, "created")
	expect(t, reports, name)
	write(t, filepath.Join(dir, "other"), "not of the set")
	write(t, filepath.Join(dir, "config.tmp"), "replacement")
	if err := os.Rename(filepath.Join(dir, "config.tmp"), name); err != nil {
		t.Fatal(err)
	}
	expect(t, reports, name)
	if err := os.Chmod(name, 0o644); err != nil {
		t.Fatal(err)
	}
	expect(t, reports, name)
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	expect(t, reports, name)
	for len(reports) > 0 {
		if got := <-reports; got != name {
			t.Errorf("report of %s, which is not of the set", got)
		}
	}
}

func TestTreeThatComesLater(t *testing.T) {
	dir := t.TempDir()
	tree := filepath.Join(dir, "a", "b", "conf.d")
	_, reports := watch(t, tree+"/")

	if err := os.MkdirAll(tree, 0o700); err != nil {
		t.Fatal(err)
	}
	expect(t, reports, filepath.Join(dir, "a"))
	drop := filepath.Join(tree, "10.conf")
	expectOnceWatched(t, reports, drop)

	sub := filepath.Join(tree, "sub")
	if err := os.Mkdir(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	expect(t, reports, sub)
	expectOnceWatched(t, reports, filepath.Join(sub, "y"))

	if err := os.RemoveAll(filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	expect(t, reports, filepath.Join(dir, "a"))
	if err := os.MkdirAll(tree, 0o700); err != nil {
		t.Fatal(err)
	}
	expectOnceWatched(t, reports, drop)
}

func TestSetForgets(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "1", "f"), filepath.Join(dir, "2", "f")
	for _, name := range []string{first, second} {
		if err := os.Mkdir(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	w, reports := watch(t, first)
	if err := w.Set([]string{second}); err != nil {
		t.Fatal(err)
	}
	write(t, first, "x")
	write(t, second, "x")
	expect(t, reports, second)
	for len(reports) > 0 {
		if got := <-reports; got != second {
			t.Errorf("report of %s after Set", got)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.dirs[filepath.Dir(first)]; ok {
		t.Errorf("%s is still watched", filepath.Dir(first))
	}
}

func TestTooMany(t *testing.T) {
	dir := t.TempDir()
	for i := range maxWatches + 10 {
		if err := os.Mkdir(filepath.Join(dir, strconv.Itoa(i)), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	w, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Set([]string{dir + "/"}); !errors.Is(err, ErrTooMany) {
		t.Errorf("Set of a tree of %d directories: %v, want ErrTooMany", maxWatches+10, err)
	}
}
