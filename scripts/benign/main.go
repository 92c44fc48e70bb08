package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/sys/unix"

	"seawall/agent/detect/rules"
	"seawall/pkg/kaudit"
)

const (
	lockFile = "/tmp/seawall-audit.lock"
	longest  = 58 * time.Second // that a step has, and the lock is held
	pause    = 2 * time.Second  // for others that wait for the lock
	marker   = "seawall-end-of-step"
)

func main() {
	tree := flag.String("tree", "", "file system of a Debian 12 (`directory`)")
	out := flag.String("out", "week.gz", "`file` to write")
	script := flag.String("steps", "scripts/benign/week.txtar", "`file` of steps")
	only := flag.String("step", "", "the `steps` to run, beside the start, with commas between; none: all")
	programs := flag.String("seawall", "", "`directory` of Seawall's programs, to run them there too")
	long := flag.String("shorten", "", "recorded `file` to make a shorter one of")
	flag.Parse()
	var err error
	if *long != "" {
		err = shortenFile(*long, *out)
	} else {
		err = week(*tree, *out, *script, *only, *programs)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "benign:", err)
		os.Exit(1)
	}
}

// machine is the container.
type machine struct {
	dir  string
	bin  string // of Seawall's programs
	log  io.Writer
	keep keeper
}

// week records all steps, or one.
func week(tree, name, script, only, programs string) (err error) {
	dir, err := os.MkdirTemp("", "benign")
	if err != nil {
		return fmt.Errorf("benign: %w", err)
	}
	steps, err := txtar.ParseFile(script)
	if err != nil {
		return fmt.Errorf("read steps: %w", err)
	}
	file, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("benign: %w", err)
	}
	z := gzip.NewWriter(file)
	m := &machine{dir: filepath.Join(dir, "m"), bin: programs, log: os.Stderr, keep: keeper{out: bufio.NewWriter(z)}}
	defer func() {
		err = errors.Join(err, m.keep.out.Flush(), z.Close(), file.Close(), os.RemoveAll(dir))
	}()
	if err := m.sh(context.Background(), nil, "prepare", tree, m.dir); err != nil {
		return errors.Join(err, m.sh(context.Background(), nil, "stop", m.dir))
	}
	if err := m.record("start", func(ctx context.Context) error { return m.sh(ctx, nil, "start", m.dir) }); err != nil {
		return errors.Join(err, m.sh(context.Background(), nil, "stop", m.dir))
	}
	for _, step := range steps.Files {
		<-time.After(pause)
		name, user, _ := strings.Cut(step.Name, " ")
		if only != "" && !slices.Contains(strings.Split(only, ","), name) {
			continue
		}
		if err := m.record(name, func(ctx context.Context) error { return m.sh(ctx, step.Data, "as", m.dir, user) }); err != nil {
			fmt.Fprintf(m.log, "%s: %v\n", name, err) // the others are of worth
		}
	}
	places, err := exec.Command("scripts/benign/machine.sh", "places", m.dir).Output()
	if err != nil {
		fmt.Fprintf(m.log, "places: %v\n", err) // then names are as programs gave them
	}
	_, _ = m.keep.out.Write(places) // Flush has the error
	return m.record("stop", func(ctx context.Context) error { return m.sh(ctx, nil, "stop", m.dir) })
}

// sh runs machine.sh.
func (m *machine) sh(ctx context.Context, in []byte, args ...string) error {
	cmd := exec.CommandContext(ctx, "scripts/benign/machine.sh", args...)
	cmd.Env = append(os.Environ(), "BENIGN_GO=/usr/local/go", "BENIGN_NODE=/usr", "BENIGN_SEAWALL="+m.bin)
	cmd.Stdin = bytes.NewReader(in)
	text, err := os.CreateTemp("", "benign-output") // not a pipe: what goes on has it open
	if err != nil {
		return fmt.Errorf("benign: %w", err)
	}
	defer text.Close()
	defer os.Remove(text.Name())
	cmd.Stdout, cmd.Stderr = text, text
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(text.Name()) // the error of Run counts
		return fmt.Errorf("machine.sh %s: %w\n%s", strings.Join(args, " "), err, said[max(0, len(said)-500):])
	}
	return nil
}

// record runs a step under the profile's audit rules.
func (m *machine) record(name string, run func(context.Context) error) error {
	lock, err := os.OpenFile(lockFile, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return fmt.Errorf("benign: %w", err)
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	conn, err := m.listen()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	received := make(chan error, 1)
	go func() { received <- conn.Receive(ctx, m.keep.take) }()
	began := time.Now()
	stepCtx, stepCancel := context.WithTimeout(ctx, longest-5*time.Second)
	defer stepCancel()
	err = run(stepCtx)
	_ = exec.Command("/bin/true", marker).Run() // it is awaited, or time is over
	m.keep.await(ctx)
	cancel()
	if rerr := <-received; !errors.Is(rerr, context.Canceled) && !errors.Is(rerr, context.DeadlineExceeded) {
		err = errors.Join(err, rerr)
	}
	status, _ := exec.Command("auditctl", "-s").Output() // for the report
	fmt.Fprintf(m.log, "%-14s %4.0fs %7d records, %7d kept, %d overruns, %s\n", name, time.Since(began).Seconds(), m.keep.seen, m.keep.kept, conn.Overruns(), lost(status))
	return errors.Join(err, conn.Close(), m.quiet())
}

func lost(status []byte) string {
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "lost ") {
			return strings.TrimSpace(line)
		}
	}
	return "lost unknown"
}

// listen takes the audit system.
func (m *machine) listen() (*kaudit.Conn, error) {
	if err := m.quiet(); err != nil {
		return nil, err
	}
	text := filepath.Join(filepath.Dir(m.dir), "rules")
	if err := os.WriteFile(text, []byte(limited(rules.Profile(), filepath.Join(m.dir, "root"))), 0o600); err != nil {
		return nil, fmt.Errorf("benign: %w", err)
	}
	for _, args := range [][]string{{"-e", "1"}, {"-b", "65536"}, {"--reset-lost"}} {
		if out, err := exec.Command("auditctl", args...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("auditctl %s: %w\n%s", args[0], err, out)
		}
	}
	conn, err := kaudit.Open(kaudit.Unicast)
	if err != nil {
		return nil, err
	}
	if out, err := exec.Command("auditctl", "-R", text).CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("auditctl -R: %w\n%s", err, out), conn.Close())
	}
	return conn, m.keep.begin()
}

// limited returns a profile for the files and login users of the machine: those who log
// in, root's jobs of cron, and the program that ends a step.
func limited(profile, root string) string {
	var out strings.Builder
	for line := range strings.Lines(profile) {
		before, key, ok := strings.Cut(line, " -k ")
		if !ok {
			continue
		}
		for _, what := range []string{"-F dir=", "-F path="} {
			before = strings.ReplaceAll(before, what+"/", what+root+"/")
		}
		for _, who := range []string{" -F auid>=4242 -F auid<=4299", " -F auid=0"} {
			out.WriteString(before + who + " -k " + key)
		}
	}
	fmt.Fprintf(&out, "-a always,exit -F arch=b64 -S execve -F ppid=%d -k marker\n", os.Getpid())
	return out.String()
}

// quiet leaves the audit system as a fresh one is.
func (m *machine) quiet() error {
	for range 100 {
		_ = exec.Command("auditctl", "-D").Run() // what counts is the list
		if text, err := exec.Command("auditctl", "-l").Output(); err == nil && strings.TrimSpace(string(text)) == "No rules" {
			break
		}
	}
	return errors.Join(exec.Command("auditctl", "-e", "0").Run(), exec.Command("auditctl", "-b", "64").Run())
}
