package sqlite

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const (
	powerCommits = 70
	powerCuts    = 15
)

// TestPowerCut records what a writer does to its files and cuts the power at random
// points: of what was written after a file's last sync some sectors are there and
// others not. All that was acknowledged must be there, and whole commits only.
func TestPowerCut(t *testing.T) {
	if path := os.Getenv("SQLITE_TEST_POWER"); path != "" {
		writeForPower(t, path)
		return
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatalf("this test has strace record system calls; install it: %v", err)
	}
	path, calls := filepath.Join(t.TempDir(), "x.db"), filepath.Join(t.TempDir(), "calls")
	cmd := exec.Command(strace, "-f", "-qq", "-y", "-xx", "-s", "1000000", "-o", calls,
		"-e", "trace=pwrite64,write,ftruncate,fdatasync,fsync", os.Args[0], "-test.run=^TestPowerCut$")
	cmd.Env = append(os.Environ(), "SQLITE_TEST_POWER="+path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	steps := readCalls(t, calls, path)
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	least, most := powerCommits, 0
	for range powerCuts {
		cut := random.IntN(len(steps) + 1)
		files, told := cutPower(steps[:cut], random)
		if told == 0 {
			continue
		}
		least, most = min(least, told), max(most, told)
		if n, err := recoverPower(t, files); err != nil || n < told {
			t.Fatalf("seed %d, after %d of %d steps: %d commits are there, %d were acknowledged, %v", seed, cut, len(steps), n, told, err)
		}
	}
	if least == powerCommits || most < powerCommits/4 {
		t.Errorf("cuts were between %d and %d commits", least, most)
	}
}

// writeForPower commits again and again, begins the log anew often, and prints what
// is on disk, as a store does.
func writeForPower(t *testing.T, path string) {
	d := open(t, path)
	d.log.long = 60
	if err := d.Writer.Exec("CREATE TABLE a (n INTEGER PRIMARY KEY, part INTEGER, body BLOB)"); err != nil {
		t.Fatal(err)
	}
	commits, done := make(chan int, 4), make(chan struct{})
	go func() {
		defer close(done)
		for n := range commits {
			for len(commits) > 0 {
				n = <-commits
			}
			if err := d.Sync(); err != nil {
				t.Error(err)
			}
			fmt.Printf("durable %d\n", n)
		}
	}()
	for n := 1; n <= powerCommits; n++ {
		for _, text := range []string{
			"BEGIN IMMEDIATE",
			fmt.Sprintf("INSERT INTO a VALUES (%d, 0, zeroblob(3000)), (%d, 1, zeroblob(6000))", 2*n, 2*n+1),
			fmt.Sprintf("DELETE FROM a WHERE n < %d", 2*n-40),
			"COMMIT",
		} {
			if err := d.Writer.Exec(text); err != nil {
				t.Fatal(err)
			}
		}
		commits <- n
		if err := d.Tend(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	close(commits)
	<-done
	if err := d.Abandon(); err != nil {
		t.Fatal(err)
	}
	os.Exit(0) // without closing
}

// step is a system call, or the end of one that syncs.
type step struct {
	thread, call string
	file         string // of the database, or ""
	data         []byte
	at           int64 // where it is written, or the size
	ended        bool
}

var callLine = regexp.MustCompile(`^(\d+) +(?:<\.\.\. (\w+) resumed>.*= 0$|(\w+)\((\d+)<([^>]*)>(?:, "([^"]*)")?(.*))`)

// readCalls reads what strace wrote.
func readCalls(t *testing.T, name, path string) (steps []step) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		m := callLine.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		s := step{thread: m[1], call: m[2] + m[3], ended: m[2] != ""}
		if s.ended {
			steps = append(steps, s)
			continue
		}
		if s.data, err = hex.DecodeString(strings.ReplaceAll(m[6], `\x`, "")); err != nil {
			t.Fatal(err)
		}
		if written := plain(m[5]); written == path || written == path+"-wal" {
			s.file = filepath.Base(written)
		} else if m[4] != "1" {
			continue
		}
		rest := strings.FieldsFunc(m[7], func(r rune) bool { return strings.ContainsRune(", )", r) })
		if where := map[string]int{"pwrite64": 1, "ftruncate": 0}; s.call == "pwrite64" || s.call == "ftruncate" {
			if s.at, err = strconv.ParseInt(rest[where[s.call]], 0, 64); err != nil {
				t.Fatal(err)
			}
		}
		steps = append(steps, s)
		if strings.HasSuffix(s.call, "sync") && !strings.Contains(m[7], "unfinished") {
			steps = append(steps, step{thread: s.thread, call: s.call, ended: true})
		}
	}
	if err := lines.Err(); err != nil || len(steps) < 4*powerCommits {
		t.Fatalf("%d calls, %v", len(steps), err)
	}
	return steps
}

// plain is a path that strace may have written in hexadecimal.
func plain(s string) string {
	if b, err := hex.DecodeString(strings.ReplaceAll(s, `\x`, "")); err == nil {
		return string(b)
	}
	return s
}

// cutPower returns the files as a power cut may leave them, and how many commits
// were acknowledged.
func cutPower(steps []step, random *rand.Rand) (files map[string][]byte, told int) {
	type began struct {
		file string
		n    int
	}
	writes, durable, syncs := map[string][]step{}, map[string]int{}, map[string]began{}
	for _, s := range steps {
		switch {
		case s.ended:
			b := syncs[s.thread]
			durable[b.file] = max(durable[b.file], b.n)
		case strings.HasSuffix(s.call, "sync"):
			syncs[s.thread] = began{s.file, len(writes[s.file])}
		case s.file != "":
			writes[s.file] = append(writes[s.file], s)
		default:
			_, _ = fmt.Sscanf(string(s.data), "durable %d", &told) // else it says nothing of that
		}
	}
	files = map[string][]byte{}
	kept := random.Float64()
	for name, all := range writes {
		var b []byte
		for i, s := range all {
			b = s.onto(b, func() bool { return i < durable[name] || random.Float64() < kept })
		}
		files[name] = b
	}
	return files, told
}

// onto applies a write to a file's content, sector by sector.
func (s step) onto(b []byte, keep func() bool) []byte {
	const sector = 512
	grow := func(n int64) {
		if n > int64(len(b)) {
			b = append(b, make([]byte, n-int64(len(b)))...)
		}
	}
	if s.call == "ftruncate" {
		if keep() {
			grow(s.at)
			b = b[:s.at]
		}
		return b
	}
	for i := int64(0); i < int64(len(s.data)); {
		n := min(sector-(s.at+i)%sector, int64(len(s.data))-i)
		if keep() {
			grow(s.at + i + n)
			copy(b[s.at+i:], s.data[i:i+n])
		}
		i += n
	}
	return b
}

// recoverPower opens what is left, and returns the last commit that is there.
func recoverPower(t *testing.T, files map[string][]byte) (last int, err error) {
	dir := t.TempDir()
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			return 0, err
		}
	}
	d, err := Open(t.Context(), filepath.Join(dir, "x.db"))
	if err != nil {
		return 0, err
	}
	defer d.Close()
	var sound string
	if _, err := d.Writer.Row("PRAGMA integrity_check", nil, &sound); err != nil || sound != "ok" {
		return 0, fmt.Errorf("integrity %q: %w", sound, err)
	}
	var wrong int
	_, err = d.Writer.Row(`SELECT max(n) / 2, count(*) <> min(42, max(n) - 1) OR max(n) % 2 = 0 OR sum(length(body)) <> 4500 * count(*)
		FROM a`, nil, &last, &wrong)
	if err != nil || wrong != 0 {
		return last, fmt.Errorf("rows are wrong: %d, %w", wrong, err)
	}
	return last, nil
}

// TestCopyRefused has the disk refuse pages while the log is copied, or begun anew:
// that is told, and the log, which has them, is still there for the next start.
func TestCopyRefused(t *testing.T) {
	if path := os.Getenv("SQLITE_TEST_REFUSED"); path != "" {
		d := open(t, path)
		d.log.long = 20
		for n := range 100_000 { // the log is synced beside them, when there is a turn for that
			rows := n
			err := d.Writer.Exec("INSERT INTO a VALUES (zeroblob(3000))")
			if err == nil {
				rows++
				err = d.Tend(t.Context())
			}
			if errors.Is(Classify(err), ErrUnsynced) {
				fmt.Println("rows", rows)
				_ = d.Abandon() // may be refused, too
				os.Exit(0)
			} else if err != nil {
				t.Fatal(err)
			}
		}
		t.Fatal("nothing was refused")
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatalf("this test has strace refuse a system call; install it: %v", err)
	}
	path := filepath.Join(t.TempDir(), "x.db")
	d := open(t, path)
	if err := d.Writer.Exec("CREATE TABLE a (x)"); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(strace, "-f", "-qq", "-o", filepath.Join(t.TempDir(), "calls"),
		"-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:error=EIO:when=4+", os.Args[0], "-test.run=^TestCopyRefused$")
	cmd.Env = append(os.Environ(), "SQLITE_TEST_REFUSED="+path)
	out, err := cmd.CombinedOutput()
	var want, rows int
	if _, scanned := fmt.Sscanf(string(out), "rows %d", &want); err != nil || scanned != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if info, err := os.Stat(path + "-wal"); err != nil || info.Size() == 0 {
		t.Errorf("the log is gone: %v", err)
	}
	if _, err := open(t, path).Writer.Row("SELECT count(*) FROM a", nil, &rows); err != nil || rows != want {
		t.Errorf("%d rows, want %d, %v", rows, want, err)
	}
}
