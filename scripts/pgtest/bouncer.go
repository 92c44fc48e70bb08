package pgtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// Bouncer is Debian's pgbouncer before a server, in transaction mode. It runs until the
// test ends.
type Bouncer struct {
	before *Cluster
	config string // its file
	port   int
	cmd    *exec.Cmd
}

// Bouncer starts one before the server.
func (c *Cluster) Bouncer() *Bouncer {
	c.t.Helper()
	b := &Bouncer{before: c, config: filepath.Join(c.Dir, "bouncer.ini"), port: c.port + 1000}
	if err := os.WriteFile(b.users(), []byte(`"seawall" ""`+"\n"), 0o644); err != nil {
		c.t.Fatal(err)
	}
	b.lead(c)
	b.cmd = exec.Command("/usr/sbin/pgbouncer", "-q", b.config)
	b.cmd.Dir, b.cmd.SysProcAttr = c.Dir, c.as
	if err := b.cmd.Start(); err != nil {
		c.t.Fatalf("no pgbouncer here (%v): run scripts/setup", err)
	}
	c.t.Cleanup(func() {
		_ = b.cmd.Process.Signal(syscall.SIGINT)
		_ = b.cmd.Wait()
	})
	c.Until("pgbouncer answers", func(ctx context.Context) error {
		conn, err := pgx.Connect(ctx, b.URL(c.URL("postgres")))
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	})
	return b
}

// URL names there what [Cluster.URL] or [Cluster.New] has named.
func (b *Bouncer) URL(direct string) string {
	return strings.Replace(direct, "port="+strconv.Itoa(b.before.port), "port="+strconv.Itoa(b.port), 1)
}

// Toward has it lead to another server from now on, as what watches over servers does
// when the primary is gone: a new configuration and a signal to read it.
func (b *Bouncer) Toward(c *Cluster) {
	b.before.t.Helper()
	b.lead(c)
	if err := b.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		b.before.t.Fatal(err)
	}
}

func (b *Bouncer) users() string { return filepath.Join(b.before.Dir, "users") }

// lead writes the configuration for a server.
func (b *Bouncer) lead(to *Cluster) {
	b.before.t.Helper()
	text := fmt.Sprintf(`[databases]
* = host=%[1]s port=%[2]d
[pgbouncer]
unix_socket_dir = %[3]s
listen_port = %[4]d
auth_type = trust
auth_file = %[5]s
pool_mode = transaction
default_pool_size = 10
max_client_conn = 200
server_login_retry = 1
logfile = %[3]s/bouncer.log
`, to.Dir, to.port, b.before.Dir, b.port, b.users())
	if err := os.WriteFile(b.config, []byte(text), 0o644); err != nil {
		b.before.t.Fatal(err)
	}
}
