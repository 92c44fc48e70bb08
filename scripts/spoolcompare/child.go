package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"syscall"
	"time"
)

const (
	patience  = 20 * time.Second // for one damage
	childSize = 6 << 30          // of address space: a length read from a file can ask for more
)

// tally adds up what a library made of a case.
type tally struct {
	tried, wrong, panics, refused, lossy, located int
	lost                                          []int
}

func (t *tally) add(o outcome) {
	t.tried++
	t.lost = append(t.lost, o.Lost)
	if o.Wrong > 0 {
		t.wrong++
	}
	if o.Panic {
		t.panics++
	}
	if o.Refused {
		t.refused++
	}
	if o.Lost > 0 || o.Wrong > 0 {
		t.lossy++
		if o.Located && o.Wrong == 0 {
			t.located++
		}
	}
}

func (t *tally) row(lib, name string) string {
	slices.Sort(t.lost)
	return fmt.Sprintf("%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d of %d", lib, name, t.tried, t.wrong, t.panics, t.refused,
		t.lost[len(t.lost)/2], t.lost[len(t.lost)-1], t.located, t.lossy)
}

// try writes a log, and has children read it with each damage of a case.
func try(lib library, c damageCase, step int) (*tally, error) {
	root, err := os.MkdirTemp(memory(), "spoolcompare")
	if err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	defer os.RemoveAll(root)
	dir := filepath.Join(root, "damaged")
	if err := fill(lib, dir); err != nil {
		return nil, err
	}
	files, err := readFiles(dir)
	if err != nil {
		return nil, err
	}
	if got, err := lib.read(dir); judge(got, err) != (outcome{Located: got.tells}) {
		return nil, fmt.Errorf("undamaged: %+v, %w", judge(got, err), err)
	}
	t := &tally{}
	pristine := filepath.Join(root, "pristine")
	if err := (damage{}).lay(pristine, files); err != nil {
		return nil, err
	}
	for n := len(c.list(files, step)); t.tried < n; {
		if err := child(lib.name, c.name, pristine, step, t); err != nil {
			t.add(outcome{Lost: records, Panic: true}) // it died or hung
		}
	}
	return t, nil
}

// memory returns a folder in memory, where syncs cost nothing, if there is one.
func memory() string {
	const shm = "/dev/shm"
	if fi, err := os.Stat(shm); err == nil && fi.IsDir() {
		return shm
	}
	return ""
}

func fill(lib library, dir string) error {
	w, err := lib.open(dir, false)
	if err != nil {
		return err
	}
	for i := range uint64(records) {
		if err := w.append(i+1, payload(i+1)); err != nil {
			return errors.Join(err, w.close())
		}
	}
	return w.close()
}

// child has a process try the damages from the one after t on.
func child(lib, name, pristine string, step int, t *tally) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.Command(self, "-child", lib, name, pristine, strconv.Itoa(t.tried), strconv.Itoa(step))
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("run child: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("run child: %w", err)
	}
	hung := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer hung.Stop()
	for lines := bufio.NewScanner(out); lines.Scan(); hung.Reset(patience) {
		var o outcome
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			return errors.Join(fmt.Errorf("child said %q: %w", lines.Text(), err), cmd.Wait())
		}
		t.add(o)
	}
	return cmd.Wait()
}

// runChild tries damages and prints an outcome a line.
func runChild(name string, args []string) error {
	limit := syscall.Rlimit{Cur: childSize, Max: childSize}
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &limit); err != nil {
		return fmt.Errorf("limit memory: %w", err)
	}
	if len(args) != 4 {
		return errors.New("a child wants a case, a folder, where to begin and a step")
	}
	libs, all := libraries(), cases()
	l := slices.IndexFunc(libs, func(l library) bool { return l.name == name })
	c := slices.IndexFunc(all, func(c damageCase) bool { return c.name == args[0] })
	from, err := strconv.Atoi(args[2])
	step, serr := strconv.Atoi(args[3])
	if l < 0 || c < 0 || err != nil || serr != nil {
		return fmt.Errorf("not for a child: %q %q", name, args)
	}
	files, err := readFiles(args[1])
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	for _, d := range all[c].list(files, step)[from:] {
		dir := filepath.Join(args[1]+".copy", "damaged")
		if err := errors.Join(os.RemoveAll(dir), d.lay(dir, files)); err != nil {
			return err
		}
		if err := out.Encode(readGuarded(libs[l], dir)); err != nil {
			return fmt.Errorf("tell outcome: %w", err)
		}
	}
	return nil
}

// readGuarded reads a log and survives a panic of its library.
func readGuarded(lib library, dir string) (o outcome) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil {
			o = outcome{Lost: records, Panic: true}
		}
	}()
	return judge(lib.read(dir))
}

// measure returns how many records of 300 bytes a second a library takes; each is
// durable before the next, or all are when it is closed.
func measure(lib library, n int, each bool) (float64, error) {
	dir, err := os.MkdirTemp("", "spoolcompare")
	if err != nil {
		return 0, fmt.Errorf("make folder: %w", err)
	}
	defer os.RemoveAll(dir)
	w, err := lib.open(filepath.Join(dir, "log"), each)
	if err != nil {
		return 0, err
	}
	p := make([]byte, 300)
	begin := time.Now()
	for i := range uint64(n) {
		if err := w.append(i+1, p); err != nil {
			return 0, errors.Join(err, w.close())
		}
	}
	if err := w.close(); err != nil {
		return 0, err
	}
	return float64(n) / time.Since(begin).Seconds(), nil
}
