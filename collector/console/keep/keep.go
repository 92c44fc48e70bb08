// Package keep is the commands about what is kept: waive, forget and retention. They talk
// to the collector that runs, over the administrator's socket.
package keep

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"seawall/pkg/text"
	seawallv1 "seawall/proto/seawall/v1"
)

// Console is where commands read and write.
type Console struct {
	// Ask calls do with a connection to the collector.
	Ask    func(ctx context.Context, do func(context.Context, grpc.ClientConnInterface) error) error
	JSON   func(proto.Message) error // prints an answer for a program
	Now    func() time.Time
	Stdout io.Writer
}

// Commands returns the commands waive, forget and retention.
func (c Console) Commands() []*cobra.Command {
	return []*cobra.Command{c.waive(), c.forget(), c.retention()}
}

type client = seawallv1.KeepServiceClient

// command returns a command that asks the collector something.
func (c Console) command(use, short string, args cobra.PositionalArgs, run func(context.Context, client, []string) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
		return c.Ask(cmd.Context(), func(ctx context.Context, to grpc.ClientConnInterface) error {
			return run(ctx, seawallv1.NewKeepServiceClient(to), args)
		})
	}}
}

// table prints rows below their heads; texts are escaped for the terminal.
func (c Console) table(heads string, rows [][]string) error {
	w := tabwriter.NewWriter(c.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, heads)
	for _, row := range rows {
		for i, cell := range row {
			row[i] = text.Terminal(cell)
		}
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

const (
	day    = "2006-01-02"
	minute = "2006-01-02 15:04Z"
)

func (c Console) waive() *cobra.Command {
	var v seawallv1.Waiver
	var until string
	cmd := c.command("waive CHECK", "Answer for findings of a check until a day", cobra.ExactArgs(1), func(ctx context.Context, to client, args []string) error {
		end, err := c.end(until)
		if err != nil {
			return err
		}
		v.Check, v.Expires = args[0], timestamppb.New(end)
		made, err := to.AddWaiver(ctx, &seawallv1.AddWaiverRequest{Waiver: &v})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.Stdout, "waived until %s as %s\n", end.Format(minute), made.GetId())
		return err
	})
	cmd.Long = `Answer for findings of a check until a day: on one host, on those with a tag that an
administrator gave, or with neither on all hosts. What hosts say stays as it is and is shown
beside; after the day, at most a year away, it counts again.`
	cmd.Example = `  seawall-collector waive ssh-password-authentication --host 5f0c9a1e --until 30d --owner ann --reason "moves to keys in May"
  seawall-collector waive list
  seawall-collector waive end 6KQ3T5JXN4WA`
	f := cmd.Flags()
	f.StringVar(&v.Host, "host", "", "on this host alone: its `id`, or the first eight digits of it")
	f.StringVar(&v.Tag, "tag", "", "on hosts with this `tag`")
	f.StringVar(&v.Resource, "resource", "", "of this `resource` of the check alone")
	f.StringVar(&v.Owner, "owner", "", "`name` of who answers for it")
	f.StringVar(&v.Reason, "reason", "", "why, a `text` for people")
	f.StringVar(&until, "until", "", "its last `day`, as 2027-01-31 or 90d")
	for _, name := range []string{"owner", "reason", "until"} {
		_ = cmd.MarkFlagRequired(name) // the flag is there
	}
	cmd.AddCommand(c.waivers(), c.endWaiver())
	return cmd
}

// end is the end of a waiver, as a day or a number of days from now.
func (c Console) end(until string) (time.Time, error) {
	if days, ok := strings.CutSuffix(until, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 1 && n <= 366 {
			return c.Now().UTC().AddDate(0, 0, n), nil
		}
	}
	if t, err := time.Parse(day, until); err == nil {
		return t.AddDate(0, 0, 1), nil // to its end
	}
	return time.Time{}, fmt.Errorf("until %q: want a day like 2027-01-31, or 1d to 366d", until)
}

func (c Console) waivers() *cobra.Command {
	var r seawallv1.ListWaiversRequest
	var asJSON bool
	cmd := c.command("list", "List waivers, the one that ends first at the front", cobra.NoArgs, func(ctx context.Context, to client, _ []string) error {
		all, err := to.ListWaivers(ctx, &r)
		if err != nil {
			return err
		}
		if asJSON {
			return c.JSON(all)
		}
		var rows [][]string
		for _, v := range all.GetWaivers() {
			rows = append(rows, []string{v.GetId(), v.GetCheck(), where(v), v.GetOwner(), until(v), v.GetReason()})
		}
		return c.table("ID\tCHECK\tFOR\tOWNER\tUNTIL\tREASON", rows)
	})
	cmd.Flags().BoolVar(&r.Past, "past", false, "those that do not stand any more")
	cmd.Flags().StringVar(&r.Check, "check", "", "of this `check` alone")
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// where says what a waiver is for.
func where(v *seawallv1.Waiver) string {
	s := "all hosts"
	switch {
	case v.GetHost() != "":
		s = "host " + v.GetHost()
	case v.GetTag() != "":
		s = "tag " + v.GetTag()
	}
	if v.GetResource() != "" {
		s += ", " + v.GetResource()
	}
	return s
}

func until(v *seawallv1.Waiver) string {
	if v.GetEnded() != nil {
		return "ended " + v.GetEnded().AsTime().Format(day) + " by " + v.GetEndedBy()
	}
	return v.GetExpires().AsTime().Format(minute)
}

func (c Console) endWaiver() *cobra.Command {
	return c.command("end ID", "End a waiver: what it stood for counts again", cobra.ExactArgs(1), func(ctx context.Context, to client, args []string) error {
		_, err := to.EndWaiver(ctx, &seawallv1.EndWaiverRequest{Id: args[0]})
		return err
	})
}

// ErrNotSure says that something that cannot be undone was not confirmed.
var ErrNotSure = errors.New("this cannot be undone: say --yes")

func (c Console) forget() *cobra.Command {
	var user string
	var sure bool
	cmd := c.command("forget [HOST]", "Delete a host, or take a person's name out of everything", cobra.MaximumNArgs(1), func(ctx context.Context, to client, args []string) error {
		switch {
		case (len(args) == 1) == (user != ""):
			return errors.New("name either a host or, with --user, an account")
		case !sure:
			return ErrNotSure
		case user != "":
			return c.forgetUser(ctx, to, user)
		}
		gone, err := to.ForgetHost(ctx, &seawallv1.ForgetHostRequest{Host: args[0]})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.Stdout, "forgot host %s: %d rows deleted, and a second look found none\n", text.Terminal(gone.GetHost()), gone.GetRows())
		return err
	})
	cmd.Long = `Delete a host with all that it told, or take the name of an account on hosts out of all that
hosts told; then look once more and say what is left. A host that goes on delivering is cut
off, and is not known any more. The trail tells that it was done: of a host its id, of a person no name.
Remove an account on the hosts first: what they say again comes again.`
	cmd.Example = `  seawall-collector forget 5f0c9a1e4d1b4c4fb0f7a6a0c1d2e3f4 --yes
  seawall-collector forget --user mara --yes`
	cmd.Flags().StringVar(&user, "user", "", "`name` of an account on hosts")
	cmd.Flags().BoolVar(&sure, "yes", false, "you are sure")
	return cmd
}

func (c Console) forgetUser(ctx context.Context, to client, name string) error {
	gone, err := to.ForgetUser(ctx, &seawallv1.ForgetUserRequest{Name: name})
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Stdout, "the name is taken out: mentions %d, in rows %d; a second look at %d rows found none\n", gone.GetWords(), gone.GetChanged(), gone.GetLooked())
	if n := gone.GetStanding(); n > 0 {
		_, err = fmt.Fprintf(c.Stdout, "standing results about the account itself, which go when it is removed on the host: %d\n", n)
	}
	return err
}

func (c Console) retention() *cobra.Command {
	var asJSON bool
	cmd := c.command("retention", "Say for how long what is kept", cobra.NoArgs, func(ctx context.Context, to client, _ []string) error {
		all, err := to.ListRetention(ctx, &seawallv1.ListRetentionRequest{})
		if err != nil {
			return err
		}
		if asJSON {
			return c.JSON(all)
		}
		var rows [][]string
		for _, k := range all.GetKinds() {
			by := "as configured"
			if k.GetWho() != "" {
				by = k.GetWho() + ", " + k.GetChanged().AsTime().Format(day)
			}
			rows = append(rows, []string{k.GetKind(), long(k.GetDays()), by, k.GetWhat()})
		}
		return c.table("KIND\tKEPT\tSET BY\tWHAT", rows)
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	cmd.AddCommand(c.setRetention())
	return cmd
}

func long(days int32) string {
	if days == 0 {
		return "for good"
	}
	return fmt.Sprintf("%d d", days)
}

func (c Console) setRetention() *cobra.Command {
	cmd := c.command("set KIND DAYS", "Keep a kind for another time from now on", cobra.ExactArgs(2), func(ctx context.Context, to client, args []string) error {
		days, err := strconv.ParseInt(args[1], 10, 32)
		if err != nil {
			return fmt.Errorf("days %q: want a number", args[1])
		}
		_, err = to.SetRetention(ctx, &seawallv1.SetRetentionRequest{Kind: args[0], Days: int32(days)})
		return err
	})
	cmd.Long = `Keep a kind for another time from now on, 0 for good where that may be. What is older is
deleted within minutes, a little at a time, and cannot be brought back.`
	cmd.Example = `  seawall-collector retention set changes 90
  seawall-collector retention set trail 0`
	return cmd
}
