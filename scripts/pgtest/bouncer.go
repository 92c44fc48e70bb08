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

// Bouncer starts Debian's pgbouncer before the server, in transaction mode, and returns
// a function that names there what [Cluster.New] has named. It runs until the test ends.
func (c *Cluster) Bouncer() func(url string) string {
	c.t.Helper()
	port := c.port + 1000
	config, users := filepath.Join(c.Dir, "bouncer.ini"), filepath.Join(c.Dir, "users")
	text := fmt.Sprintf(`[databases]
* = host=%[1]s port=%[2]d
[pgbouncer]
unix_socket_dir = %[1]s
listen_port = %[3]d
auth_type = trust
auth_file = %[4]s
pool_mode = transaction
default_pool_size = 10
max_client_conn = 200
logfile = %[1]s/bouncer.log
`, c.Dir, c.port, port, users)
	for name, text := range map[string]string{config: text, users: `"seawall" ""` + "\n"} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			c.t.Fatal(err)
		}
	}
	cmd := exec.Command("/usr/sbin/pgbouncer", "-q", config)
	cmd.Dir, cmd.SysProcAttr = c.Dir, c.as
	if err := cmd.Start(); err != nil {
		c.t.Fatalf("no pgbouncer here (%v): run scripts/setup", err)
	}
	c.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		_ = cmd.Wait()
	})
	name := func(direct string) string {
		return strings.Replace(direct, "port="+strconv.Itoa(c.port), "port="+strconv.Itoa(port), 1)
	}
	c.Until("pgbouncer answers", func(ctx context.Context) error {
		conn, err := pgx.Connect(ctx, name(c.URL("postgres")))
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	})
	return name
}
