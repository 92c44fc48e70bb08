// Package exports is the command exports: what goes to other programs as it happens. It
// talks to the collector that runs, over the administrator's socket.
package exports

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"seawall/pkg/finding"
	"seawall/pkg/text"
	seawallv1 "seawall/proto/seawall/v1"
)

// Console is where commands read and write.
type Console struct {
	// Ask calls do with a connection to the collector.
	Ask    func(ctx context.Context, do func(context.Context, grpc.ClientConnInterface) error) error
	JSON   func(proto.Message) error // prints an answer for a program
	Stdout io.Writer
}

type client = seawallv1.ExportsServiceClient

// command returns a command that asks the collector something.
func (c Console) command(use, short string, args cobra.PositionalArgs, run func(context.Context, client, []string) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
		return c.Ask(cmd.Context(), func(ctx context.Context, to grpc.ClientConnInterface) error {
			return run(ctx, seawallv1.NewExportsServiceClient(to), args)
		})
	}}
}

// Command returns the command exports.
func (c Console) Command() *cobra.Command {
	cmd := &cobra.Command{Use: "exports", Short: "What goes to other programs as it happens", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.Long = `What goes to other programs as it happens: changes, detections, and all findings once in so
many hours, as OCSF, ECS or OpenTelemetry logs, by a route of routes.yaml. A file for once is
made by the command export.`
	cmd.AddCommand(c.list(), c.set(), c.enable("enable", "Go on with an export, where it was", true),
		c.enable("disable", "Hold an export: it goes on later where it was", false), c.remove())
	return cmd
}

func (c Console) list() *cobra.Command {
	var asJSON bool
	cmd := c.command("list", "List exports, and how far each got", cobra.NoArgs, func(ctx context.Context, to client, _ []string) error {
		all, err := to.ListExports(ctx, &seawallv1.ListExportsRequest{})
		if err != nil {
			return err
		}
		if asJSON {
			return c.JSON(all)
		}
		w := tabwriter.NewWriter(c.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "NAME\tSENDS\tROUTE\tSTATE\tSENT\tLOST\tTO BE SENT")
		for _, p := range all.GetExports() {
			e := p.GetExport()
			cells := []string{e.GetName(), sends(e), e.GetRoute(), state(p), fmt.Sprint(p.GetSent()), fmt.Sprint(p.GetLost()), fmt.Sprint(p.GetBehind())}
			for i, cell := range cells {
				cells[i] = text.Terminal(cell)
			}
			fmt.Fprintln(w, strings.Join(cells, "\t"))
		}
		return w.Flush()
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// sends says in words what an export sends.
func sends(e *seawallv1.ContinuousExport) string {
	s := strings.Join(e.GetWhat(), ", ")
	if n := e.GetEveryHours(); n > 0 {
		s += fmt.Sprintf(" every %d h", n)
	}
	s += " as " + e.GetFormat()
	if n := e.GetMinSeverity(); n > 0 {
		s += ", " + finding.Severity(min(n, 255)).String() + " and worse"
	}
	if list := e.GetFamilies(); len(list) > 0 {
		s += ", of families " + strings.Join(list, " ")
	}
	if list := e.GetTags(); len(list) > 0 {
		s += ", of tags " + strings.Join(list, " ")
	}
	return s
}

// state says in a word or two whether an export goes on.
func state(p *seawallv1.ExportProgress) string {
	switch {
	case !p.GetExport().GetEnabled():
		return "off"
	case !p.GetRouteKnown():
		return "no such route"
	case p.GetRefused() > 0:
		return fmt.Sprintf("%d refused", p.GetRefused())
	case p.GetBehind() > 0 && p.GetWaiting() > 0:
		return "behind"
	}
	return "on"
}

func (c Console) set() *cobra.Command {
	var e seawallv1.ContinuousExport
	var severity string
	var off bool
	cmd := c.command("set NAME", "Make an export, or change one", cobra.ExactArgs(1), func(ctx context.Context, to client, args []string) error {
		e.Name, e.Enabled = args[0], !off
		if severity != "" {
			var s finding.Severity
			if err := s.UnmarshalText([]byte(severity)); err != nil {
				return fmt.Errorf("severity %q: want informational, low, medium, high or critical", severity)
			}
			e.MinSeverity = uint32(s)
		}
		r, err := to.SetExport(ctx, &seawallv1.SetExportRequest{Export: &e})
		if err != nil {
			return err
		}
		said := "changed"
		if r.GetMade() {
			said = "made: it begins with what happens from now on"
		}
		_, err = fmt.Fprintf(c.Stdout, "export %s %s\n", text.Terminal(args[0]), said)
		return err
	})
	cmd.Long = `Make an export, or change one that is there: it becomes what is said here, all of it, and
goes on where it was. The receiver's address and secret stand in routes.yaml alone.`
	cmd.Example = `  seawall-collector exports set siem --route splunk --what changes,detections
  seawall-collector exports set lake --route otel --format otlp --what findings --every 24 --severity medium --tag env=prod`
	f := cmd.Flags()
	f.StringVar(&e.Route, "route", "", "`name` of a route")
	f.StringVar(&e.Format, "format", "ocsf", "`format`: ocsf, ecs or otlp")
	f.StringSliceVar(&e.What, "what", []string{"changes", "detections"}, "what is sent: changes, detections, findings")
	f.Uint32Var(&e.EveryHours, "every", 0, "`hours` after which all findings are sent again")
	f.StringVar(&severity, "severity", "", "of this `severity` and worse alone")
	f.StringSliceVar(&e.Families, "family", nil, "of this `family` of checks alone; may be said more than once")
	f.StringSliceVar(&e.Tags, "tag", nil, "of hosts with this `tag` alone; may be said more than once")
	f.BoolVar(&off, "off", false, "not yet: see enable")
	_ = cmd.MarkFlagRequired("route") // the flag is there
	return cmd
}

func (c Console) enable(use, short string, on bool) *cobra.Command {
	return c.command(use+" NAME", short, cobra.ExactArgs(1), func(ctx context.Context, to client, args []string) error {
		_, err := to.EnableExport(ctx, &seawallv1.EnableExportRequest{Name: args[0], Enabled: on})
		return err
	})
}

func (c Console) remove() *cobra.Command {
	return c.command("remove NAME", "Remove an export; what is on its way is delivered", cobra.ExactArgs(1), func(ctx context.Context, to client, args []string) error {
		_, err := to.RemoveExport(ctx, &seawallv1.RemoveExportRequest{Name: args[0]})
		return err
	})
}
