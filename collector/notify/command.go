package notify

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"text/tabwriter"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"seawall/pkg/service"
	"seawall/pkg/text"
)

const (
	defaultRoutes = "/etc/seawall-notify/routes.yaml"
	defaultSocket = "/run/seawall-collector/notify.sock"
)

// Command returns the command that delivers messages. Wrong makes the error of a wrong
// configuration of one that says so.
func Command(stdout, stderr io.Writer, wrong func(error) error) *cobra.Command {
	c := Config{Log: service.NewLog(stderr, slog.LevelInfo, os.Environ())}
	check := false
	cmd := &cobra.Command{
		Use:   "notify",
		Short: "Deliver the collector's messages: a process of its own, with a network",
		Long: `notify delivers the messages that the collector has: to mail, chat, PagerDuty,
syslog, webhooks and OTLP receivers, as its file of routes says. The collector has
no network, and this process no database: they talk over a unix socket.

The routes, with the files that hold their secrets, are read by this process alone,
when it starts. Which messages go to which route is said on the dashboard.`,
		Args: cobra.NoArgs,
		// The collector's configuration is not this process's to read.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE: func(cmd *cobra.Command, _ []string) error {
			n, err := New(c)
			if err != nil {
				return wrong(err)
			}
			if check {
				return list(stdout, n)
			}
			tell := service.Notifier(c.Log)
			tell(fmt.Sprintf("%s\nSTATUS=%d routes", daemon.SdNotifyReady, len(n.routes)))
			c.Log.Info("notifier runs", "routes", len(n.routes), "version", service.ReadBuild().Version)
			err = n.Run(cmd.Context())
			tell(daemon.SdNotifyStopping)
			c.Log.Info("notifier stopped")
			return err
		},
	}
	cmd.Flags().StringVar(&c.Routes, "routes", defaultRoutes, "`file` of routes, YAML")
	cmd.Flags().StringVar(&c.Socket, "socket", defaultSocket, "the collector's `socket` for deliveries")
	cmd.Flags().BoolVar(&check, "check", false, "check the routes and their secrets, print them, and exit")
	return cmd
}

// list prints the routes, without secrets.
func list(stdout io.Writer, n *Notifier) error {
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ROUTE\tKIND\tTO")
	for _, r := range n.Routes() {
		fmt.Fprintf(w, "%s\t%s\t%s\n", r.Name, r.Kind, text.Terminal(r.To))
	}
	return w.Flush()
}
