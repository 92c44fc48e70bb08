package exports

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	seawallv1 "seawall/proto/seawall/v1"
)

// answers is the collector's side: what it was asked, and answers that attack a terminal.
type answers struct {
	seawallv1.UnimplementedExportsServiceServer
	asked []proto.Message
}

func (a *answers) ListExports(context.Context, *seawallv1.ListExportsRequest) (*seawallv1.ListExportsResponse, error) {
	one := func(name string, on, known bool, behind int64, waiting, refused uint32) *seawallv1.ExportProgress {
		return &seawallv1.ExportProgress{Export: &seawallv1.ContinuousExport{Name: name, Enabled: on, Route: "r\x1b[2J", Format: "ocsf", What: []string{"changes"}},
			Behind: behind, Waiting: waiting, Refused: refused, RouteKnown: known, Sent: 7}
	}
	all := []*seawallv1.ExportProgress{one("a", true, true, 0, 0, 0), one("b", false, true, 3, 1, 0), one("c", true, false, 0, 0, 0), one("d", true, true, 0, 0, 2), one("e", true, true, 9, 1, 0)}
	e := all[0].GetExport()
	e.What, e.EveryHours, e.MinSeverity, e.Families, e.Tags = []string{"changes", "findings"}, 24, 4, []string{"ssh"}, []string{"web", "x\ty"}
	return &seawallv1.ListExportsResponse{Exports: all}, nil
}

func (a *answers) SetExport(_ context.Context, r *seawallv1.SetExportRequest) (*seawallv1.SetExportResponse, error) {
	a.asked = append(a.asked, r.GetExport())
	return &seawallv1.SetExportResponse{Made: r.GetExport().GetName() == "new"}, nil
}

func (a *answers) EnableExport(_ context.Context, r *seawallv1.EnableExportRequest) (*seawallv1.EnableExportResponse, error) {
	a.asked = append(a.asked, r)
	return &seawallv1.EnableExportResponse{}, nil
}

func (a *answers) RemoveExport(_ context.Context, r *seawallv1.RemoveExportRequest) (*seawallv1.RemoveExportResponse, error) {
	a.asked = append(a.asked, r)
	return &seawallv1.RemoveExportResponse{}, nil
}

// serve serves a and returns what runs a command line.
func serve(t *testing.T, a *answers) func(line string) (string, error) {
	t.Helper()
	l := bufconn.Listen(1 << 16)
	g := grpc.NewServer()
	seawallv1.RegisterExportsServiceServer(g, a)
	done := make(chan struct{})
	go func() { defer close(done); _ = g.Serve(l) }()
	t.Cleanup(func() { g.Stop(); <-done })
	conn, err := grpc.NewClient("passthrough:///x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return func(line string) (string, error) {
		var stdout bytes.Buffer
		c := Console{Stdout: &stdout, Ask: func(ctx context.Context, do func(context.Context, grpc.ClientConnInterface) error) error {
			return do(ctx, conn)
		}}
		root := &cobra.Command{Use: "x", SilenceErrors: true, SilenceUsage: true}
		root.AddCommand(c.Command())
		root.SetArgs(append([]string{"exports"}, strings.Fields(line)...))
		err := root.ExecuteContext(t.Context())
		return stdout.String(), err
	}
}

// TestList holds what people see, byte for byte: nothing in it steers a terminal, and no
// text makes a column of its own.
func TestList(t *testing.T) {
	got, err := serve(t, &answers{})("list")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		`NAME  SENDS                                                                                        ROUTE     STATE          SENT  LOST  TO BE SENT`,
		`a     changes, findings every 24 h as ocsf, high and worse, of families ssh, of tags web x\ty  r\x1b[2J  on             7     0     0`,
		`b     changes as ocsf                                                                              r\x1b[2J  off            7     0     3`,
		`c     changes as ocsf                                                                              r\x1b[2J  no such route  7     0     0`,
		`d     changes as ocsf                                                                              r\x1b[2J  2 refused      7     0     0`,
		`e     changes as ocsf                                                                              r\x1b[2J  behind         7     0     9`, ""}, "\n")
	// The columns are as wide as what is longest.
	squeeze := func(s string) string {
		var lines []string
		for line := range strings.Lines(s) {
			lines = append(lines, strings.Join(strings.Fields(line), " "))
		}
		return strings.Join(lines, "\n")
	}
	if diff := cmp.Diff(squeeze(want), squeeze(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestAsked: each line asks the collector for what it says, and a line that says too little
// or what cannot be asks for nothing.
func TestAsked(t *testing.T) {
	both := []string{"changes", "detections"}
	for line, want := range map[string]proto.Message{
		"set new --route siem": &seawallv1.ContinuousExport{Name: "new", Enabled: true, Route: "siem", Format: "ocsf", What: both},
		"set lake --route otel --format otlp --what findings --every 24 --severity medium --tag a,b --tag c --family ssh --off": &seawallv1.ContinuousExport{
			Name: "lake", Route: "otel", Format: "otlp", What: []string{"findings"}, EveryHours: 24, MinSeverity: 3, Tags: []string{"a", "b", "c"}, Families: []string{"ssh"}},
		"enable a":                           &seawallv1.EnableExportRequest{Name: "a", Enabled: true},
		"disable a":                          &seawallv1.EnableExportRequest{Name: "a"},
		"remove a":                           &seawallv1.RemoveExportRequest{Name: "a"},
		"set a":                              nil,
		"set a --route x --severity worst":   nil,
		"set a --route x --every -1":         nil,
		"set a --route x --every 4294967296": nil,
		"remove":                             nil,
		"disable a b":                        nil,
	} {
		a := &answers{}
		said, err := serve(t, a)(line)
		switch {
		case want == nil && (err == nil || a.asked != nil):
			t.Errorf("%s: %v, asked %v", line, err, a.asked)
		case want != nil && (err != nil || len(a.asked) != 1 || !proto.Equal(a.asked[0], want)):
			t.Errorf("%s: %v, asked %v", line, err, a.asked)
		case line == "set new --route siem" && said != "export new made: it begins with what happens from now on\n":
			t.Errorf("%s: said %q", line, said)
		}
	}
}
