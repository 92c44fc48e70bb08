// Package people is the commands about those who use the collector: user, apitoken, tag
// (which hosts they see) and trail. They talk to the collector that runs, over the administrator's socket.
//
// A password never stands in an argument, where every process of the machine reads it: it
// is read from a file or standard input, or made by the collector and shown once, alone on
// standard output.
package people

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
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
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
}

// Commands returns the commands user, apitoken, tag and trail.
func (c Console) Commands() []*cobra.Command {
	return []*cobra.Command{
		group("user", "Who may sign in, and what each may do", c.userAdd(), c.userList(), c.userRole(), c.userPassword(), c.userDisable("disable", true), c.userDisable("enable", false), c.userRemove()),
		group("apitoken", "What programs come with in place of a password", c.tokenAdd(), c.tokenList(), c.tokenRevoke()),
		group("tag", "Tags of hosts, by which users see some hosts and not others", c.hostTags(), c.hostTag()),
		group("trail", "What people did, and that nobody altered the record of it", c.trailList(), c.trailVerify()),
	}
}

// group returns a command that only holds others.
func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(subs...)
	return cmd
}

type client = seawallv1.PeopleServiceClient

// command returns a command that asks the collector something.
func (c Console) command(use, short string, args cobra.PositionalArgs, run func(context.Context, client, []string) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
		return c.Ask(cmd.Context(), func(ctx context.Context, to grpc.ClientConnInterface) error {
			return run(ctx, seawallv1.NewPeopleServiceClient(to), args)
		})
	}}
}

// passwordBytes is the most that a password may have: a longer one is refused, not cut.
const passwordBytes = 4096

// password reads the first line of a file, or of standard input for "-". Without a file
// there is none, and the collector makes one.
func (c Console) password(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	in := c.Stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
		defer f.Close()
		in = f
	}
	line, err := bufio.NewReader(io.LimitReader(in, passwordBytes+2+1)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	line = strings.TrimRight(line, "\r\n")
	switch {
	case line == "":
		return "", fmt.Errorf("read the password: %s is empty", file)
	case len(line) > passwordBytes:
		return "", fmt.Errorf("read the password: the first line of %s has more than %d bytes", file, passwordBytes)
	}
	return line, nil
}

// made shows a password that the collector made.
func (c Console) made(name, word string) error {
	if word == "" {
		return nil
	}
	fmt.Fprintf(c.Stderr, "password of %s, shown once:\n", name)
	_, err := fmt.Fprintln(c.Stdout, word)
	return err
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

func when(t *timestamppb.Timestamp) string {
	if t == nil {
		return "never"
	}
	return t.AsTime().UTC().Format("2006-01-02 15:04:05Z")
}

func hosts(scope []string) string {
	if len(scope) == 0 {
		return "all"
	}
	return strings.Join(scope, ",")
}

// life is how long something is good for, in days or as Go writes times.
func life(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		if _, err := fmt.Sscanf(days, "%d", &n); err != nil || n < 1 || n > 366 || fmt.Sprint(n) != days {
			return 0, fmt.Errorf("life %q: want 1d to 366d", text)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("life %q: want days or hours like 90d or 12h", text)
	}
	return d, nil
}
