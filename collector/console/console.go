// Package console is the commands with which a person works with a running
// collector: user-data, tokens, hosts, findings, exports, authorities. They talk to it over the administrator's
// socket (package socket) and hold nothing themselves.
//
// What is for a program is on standard output alone: "token create" prints the token
// and nothing else there, and --json of the lists prints the messages of
// proto/seawall/v1/admin.proto. What came from a host is escaped for the terminal.
package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"seawall/collector/admin/socket"
	"seawall/collector/bootstrap"
	"seawall/collector/console/exports"
	"seawall/collector/console/keep"
	"seawall/collector/console/people"
	seawallv1 "seawall/proto/seawall/v1"
)

// Console is where commands read and write.
type Console struct {
	Folder func() string // the collector's state folder, asked when a command runs
	// Host is what the configuration says to new machines: where the collector is and
	// where packages come from. Asked when a command runs; an error says what is missing.
	Host   func() (bootstrap.Host, error)
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Now    func() time.Time // default time.Now
}

// Commands returns the commands bootstrap, token, host, ca, hosts, findings, export, and
// those of packages people, exports and keep.
func (c Console) Commands() []*cobra.Command {
	if c.Now == nil {
		c.Now = time.Now
	}
	all := []*cobra.Command{c.bootstrap(), c.token(), c.host(), c.ca(), c.hosts(), c.findings(), c.export()}
	all = append(all, people.Console{Ask: c.connect, JSON: c.json, Stdin: c.Stdin, Stdout: c.Stdout, Stderr: c.Stderr}.Commands()...)
	all = append(all, exports.Console{Ask: c.connect, JSON: c.json, Stdout: c.Stdout}.Command())
	return append(all, keep.Console{Ask: c.connect, JSON: c.json, Now: c.Now, Stdout: c.Stdout}.Commands()...)
}

const (
	timeout = 30 * time.Second
	// maxAnswer is what a list of all hosts may take.
	maxAnswer = 256 << 20
)

// client is the administrator's service.
type client = seawallv1.AdminServiceClient

// group returns a command that only holds others.
func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(subs...)
	return cmd
}

// command returns a command that asks the collector something.
func (c Console) command(use, short string, args cobra.PositionalArgs, run func(context.Context, client, []string) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
		return c.ask(cmd.Context(), func(ctx context.Context, to client) error { return run(ctx, to, args) })
	}}
}

// ask calls do with a connection to the collector, for a short question.
func (c Console) ask(ctx context.Context, do func(context.Context, client) error) error {
	return c.connect(ctx, func(ctx context.Context, conn grpc.ClientConnInterface) error {
		return do(ctx, seawallv1.NewAdminServiceClient(conn))
	})
}

// connect is ask for any service.
func (c Console) connect(ctx context.Context, do func(context.Context, grpc.ClientConnInterface) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return c.dial(ctx, do)
}

// reach calls do with the administrator's service, for as long as that takes.
func (c Console) reach(ctx context.Context, do func(context.Context, client) error) error {
	return c.dial(ctx, func(ctx context.Context, conn grpc.ClientConnInterface) error {
		return do(ctx, seawallv1.NewAdminServiceClient(conn))
	})
}

// dial calls do with a connection to the collector.
func (c Console) dial(ctx context.Context, do func(context.Context, grpc.ClientConnInterface) error) error {
	first, err := socket.Dial(ctx, c.Folder())
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ECONNREFUSED):
		return fmt.Errorf("no collector runs on %s: start it, or name its --state-dir", c.Folder())
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: this is for root and for the collector's user", err)
	case err != nil:
		return err
	}
	conn, err := grpc.NewClient("passthrough:///collector",
		grpc.WithTransportCredentials(insecure.NewCredentials()), // the kernel says who is at both ends
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer)),
		grpc.WithDisableServiceConfig(),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			if it := first; it != nil {
				first = nil
				return it, nil
			}
			return socket.Dial(ctx, c.Folder())
		}))
	if err != nil {
		return errors.Join(err, first.Close())
	}
	defer conn.Close()
	if err := do(ctx, conn); err != nil {
		if s, ok := status.FromError(err); ok {
			return errors.New(s.Message())
		}
		return err
	}
	return nil
}

// json prints an answer for a program. What protojson writes differs from one
// build to another in its blanks, so they are made anew.
func (c Console) json(m proto.Message) error {
	data, err := protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true}.Marshal(m)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, data, "", "  "); err != nil {
		return err
	}
	out.WriteByte('\n')
	_, err = out.WriteTo(c.Stdout)
	return err
}
