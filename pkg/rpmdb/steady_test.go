package rpmdb

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seawall/pkg/hostfs"
)

// insertSQL adds a package as rpm does, as far as it is read here.
func insertSQL(number int, name string, header []byte) string {
	return fmt.Sprintf("BEGIN; INSERT INTO Packages VALUES (%d, x'%x'); INSERT INTO Name VALUES ('%s', %d, 0); COMMIT;\n", number, header, name, number)
}

// TestWriter reads while another process changes all packages again and again, each
// time in one transaction: what is read is one of the states, or that it is busy.
func TestWriter(t *testing.T) {
	root, folder := host(t)
	db := filepath.Join(folder, sqliteName)
	const packages = 40
	set := func(round int) []Package {
		all := made(packages)
		for i := range all {
			all[i].Name = fmt.Sprintf("%s-of-%d", all[i].Name, round)
			all[i].Release = fmt.Sprintf("%d.el9", round)
		}
		return all
	}
	var headers [][]byte
	for _, p := range set(0) {
		headers = append(headers, headerOf(p, 40))
	}
	importDB(t, folder, headers...)
	tool, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), tool, "-bail", db)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		err := feed(in, set)
		in.Close()
		done <- errors.Join(err, cmd.Wait())
	}()
	good, busy, states := 0, 0, make(map[string]bool)
	for {
		release, err := readState(t, root, packages)
		if err != nil {
			busy++
		} else {
			good++
			states[release] = true
		}
		select {
		case err := <-done:
			if err != nil || good == 0 {
				t.Errorf("writer: %v, %d readings", err, good)
			}
			t.Logf("%d readings of %d states, %d busy", good, len(states), busy)
			return
		default:
		}
	}
}

// readState reads packages that all have to be of the same state, and returns its
// release.
func readState(t *testing.T, root hostfs.Root, packages int) (string, error) {
	t.Helper()
	all, _, _, err := ReadTimes(root)
	if errors.Is(err, ErrBusy) {
		return "", err
	}
	if err != nil || len(all) != packages {
		t.Fatalf("%d packages, %v", len(all), err)
	}
	for _, p := range all {
		if p.Release != all[0].Release || !strings.HasSuffix(p.Name, "-of-"+strings.TrimSuffix(p.Release, ".el9")) {
			t.Fatalf("packages of two states: %s-%s and %s-%s", p.Name, p.Release, all[0].Name, all[0].Release)
		}
	}
	return all[0].Release, nil
}

// feed writes 30 rounds of changes, with and without checkpoints and pauses.
func feed(in io.Writer, set func(round int) []Package) error {
	if _, err := io.WriteString(in, "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 50;\n"); err != nil {
		return err
	}
	for round := 1; round <= 30; round++ {
		script := "BEGIN; DELETE FROM Packages; DELETE FROM Name;\n"
		for i, p := range set(round) {
			script += strings.NewReplacer("BEGIN; ", "", "COMMIT;", "").Replace(insertSQL(i+1, p.Name, headerOf(p, 30+round)))
		}
		script += "COMMIT;\n"
		if round%5 == 0 {
			script += "PRAGMA wal_checkpoint(TRUNCATE);\n"
		}
		if round%4 == 0 { // time for a reader
			script += ".shell sleep 0.1\n"
		}
		if _, err := io.WriteString(in, script); err != nil {
			return err
		}
	}
	return nil
}

func TestJournal(t *testing.T) {
	root, folder := host(t)
	db := filepath.Join(folder, sqliteName)
	write(t, db, unzip(t, "stream9.sqlite.gz"))
	for content, want := range map[string]error{"": nil, strings.Repeat("\x00", 512): nil, journalMagic + "more": ErrBusy} {
		write(t, db+"-journal", []byte(content))
		if _, _, _, err := Read(root); !errors.Is(err, want) {
			t.Errorf("journal of %d bytes: %v, want %v", len(content), err, want)
		}
	}
}

func TestFresh(t *testing.T) {
	now := time.Now()
	for _, tt := range []struct {
		age  time.Duration
		want bool
	}{{0, true}, {tick - 1, true}, {tick, false}, {time.Hour, false}, {-time.Hour, false}} {
		if got := (state{mtime: now.Add(-tt.age)}).fresh(now); got != tt.want {
			t.Errorf("changed %v ago: %v, want %v", tt.age, got, tt.want)
		}
	}
}

// TestSteady: what changes with each look is busy after some attempts.
func TestSteady(t *testing.T) {
	root, folder := host(t)
	name := filepath.Join(folder, "file")
	write(t, name, nil)
	calls := 0
	broken := errors.New("broken")
	err := steady(root, []string{"/var/lib/rpm/file"}, func() error {
		calls++
		write(t, name, make([]byte, calls))
		return broken
	})
	if calls == 0 || calls > attempts || !errors.Is(err, ErrBusy) || !errors.Is(err, broken) {
		t.Errorf("%d calls, %v", calls, err)
	}
}
