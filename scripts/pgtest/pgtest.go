// Package pgtest starts PostgreSQL for tests: a cluster of its own in a folder that
// the test removes, in memory where there is plenty, on a unix socket in it. Nothing of the machine's own service is
// touched. The programs are those of Debian's package postgresql.
package pgtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Cluster is a server that runs until the test ends.
type Cluster struct {
	// Dir holds the socket.
	Dir string

	t     testing.TB
	bin   string
	as    *syscall.SysProcAttr
	data  string
	port  int
	made  atomic.Int64
	ended chan struct{} // closed when the server that runs has ended
	cmd   *exec.Cmd
}

// Start makes a cluster and starts its server.
func Start(t testing.TB) *Cluster {
	t.Helper()
	c := prepare(t, 5432)
	c.run("initdb", "-D", c.data, "-U", "seawall", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	c.Up()
	return c
}

// Standby makes a server that follows c, and starts it.
func (c *Cluster) Standby() *Cluster {
	c.t.Helper()
	s := prepare(c.t, c.port+1)
	s.run("pg_basebackup", "-D", s.data, "-h", c.Dir, "-p", strconv.Itoa(c.port), "-U", "seawall", "-R", "--checkpoint=fast", "--no-sync")
	s.Up()
	return s
}

func prepare(t testing.TB, port int) *Cluster {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(found) == 0 {
		t.Fatalf("no PostgreSQL here (%v): run scripts/setup", err)
	}
	// A socket's path is short, and a test's folder may be long.
	dir, err := os.MkdirTemp(home(), fmt.Sprintf("pg%d-", os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	c := &Cluster{t: t, Dir: dir, bin: found[len(found)-1], data: filepath.Join(dir, "data"), port: port}
	if os.Getuid() == 0 { // the server refuses to run as root
		u, err := user.Lookup("postgres")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		c.as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		if err := os.Chown(dir, int(uid), int(gid)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func (c *Cluster) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.bin, program), args...)
	cmd.Dir, cmd.SysProcAttr, cmd.Env = c.Dir, c.as, []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"}
	return cmd
}

func (c *Cluster) run(program string, args ...string) {
	c.t.Helper()
	if out, err := c.command(program, args...).CombinedOutput(); err != nil {
		c.t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// Up starts the server and returns when it answers.
func (c *Cluster) Up() {
	c.t.Helper()
	log, err := os.OpenFile(filepath.Join(c.Dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	c.cmd = c.command("postgres", "-D", c.data, "-k", c.Dir, "-p", strconv.Itoa(c.port), "-c", "listen_addresses=", "-c", "fsync=off",
		"-c", "max_connections=60", "-c", "shared_buffers=64MB", "-c", "max_wal_size=256MB", "-c", "wal_level=replica", "-c", "hot_standby=on")
	c.cmd.Stdout, c.cmd.Stderr = log, log
	if err := c.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	ended := make(chan struct{})
	c.ended = ended
	go func(cmd *exec.Cmd) {
		defer close(ended)
		_ = cmd.Wait() // it is killed
	}(c.cmd)
	c.t.Cleanup(c.Down)
	c.Until("the server answers", func(ctx context.Context) error {
		conn, err := pgx.Connect(ctx, c.URL("postgres"))
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	})
}

// Until calls ask until it succeeds.
func (c *Cluster) Until(what string, ask func(context.Context) error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask(ctx)
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			text, _ := os.ReadFile(filepath.Join(c.Dir, "log"))
			c.t.Fatalf("until %s: %v\n%s", what, err, text)
		}
	}
}

// Down kills the server with all its processes at once, as a machine that loses power.
// It may be started again.
func (c *Cluster) Down() {
	if c.cmd == nil {
		return
	}
	_ = c.cmd.Process.Signal(syscall.SIGQUIT) // "immediate shutdown": no checkpoint
	select {
	case <-c.ended:
	case <-time.After(20 * time.Second):
		_ = c.cmd.Process.Kill()
		<-c.ended
	}
	c.cmd = nil
}

// Settled returns when no connection but its own has a transaction under way: the server
// has seen the end of programs that were killed.
func (c *Cluster) Settled() {
	c.t.Helper()
	c.Until("nothing is under way", func(ctx context.Context) error {
		conn, err := pgx.Connect(ctx, c.URL("postgres"))
		if err != nil {
			return err
		}
		defer conn.Close(ctx)
		var n int
		err = conn.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND xact_start IS NOT NULL AND backend_type = 'client backend'").Scan(&n)
		if err == nil && n > 0 {
			err = fmt.Errorf("%d transactions", n)
		}
		return err
	})
}

// Promote makes a standby a primary.
func (c *Cluster) Promote() {
	c.t.Helper()
	c.run("pg_ctl", "promote", "-D", c.data, "-w")
}

// URL names a database of the cluster.
func (c *Cluster) URL(database string) string {
	q := url.Values{"host": {c.Dir}, "port": {strconv.Itoa(c.port)}, "user": {"seawall"}}
	return "postgres:///" + database + "?" + q.Encode()
}

// New makes an empty database and returns its URL.
func (c *Cluster) New() string {
	c.t.Helper()
	name := fmt.Sprintf("d%d_%d", os.Getpid(), c.made.Add(1))
	c.Execute("postgres", "CREATE DATABASE "+name)
	return c.URL(name)
}

// Execute runs a statement on a database.
func (c *Cluster) Execute(database, text string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.URL(database))
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, text); err != nil {
		c.t.Fatal(err)
	}
}

// Both names a database that may be on either of two servers: that which is primary.
func Both(a, b *Cluster, database string) string {
	q := url.Values{"host": {a.Dir + "," + b.Dir}, "port": {fmt.Sprintf("%d,%d", a.port, b.port)},
		"user": {"seawall"}, "target_session_attrs": {"primary"}}
	return "postgres:///" + database + "?" + q.Encode()
}
