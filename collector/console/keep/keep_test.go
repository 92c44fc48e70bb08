package keep

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	seawallv1 "seawall/proto/seawall/v1"
)

var now = time.Date(2026, 6, 1, 12, 30, 0, 0, time.UTC)

// answers is the collector's side: what it was asked, and answers that attack a terminal.
type answers struct {
	seawallv1.UnimplementedKeepServiceServer
	asked []proto.Message
}

func (a *answers) AddWaiver(_ context.Context, r *seawallv1.AddWaiverRequest) (*seawallv1.AddWaiverResponse, error) {
	a.asked = append(a.asked, r.GetWaiver())
	return &seawallv1.AddWaiverResponse{Id: "6KQ3T5JXN4WA"}, nil
}

func (a *answers) ListWaivers(_ context.Context, r *seawallv1.ListWaiversRequest) (*seawallv1.ListWaiversResponse, error) {
	a.asked = append(a.asked, r)
	return &seawallv1.ListWaiversResponse{Waivers: []*seawallv1.Waiver{
		{Id: "A", Check: "ssh-root", Tag: "web", Owner: "ann\x1b[2J", Reason: "one\ntwo\tthree", Expires: timestamppb.New(now)},
		{Id: "B", Check: "files", Host: "5f0c", Resource: "/etc/\a", Owner: "bob", Reason: "known", Ended: timestamppb.New(now), EndedBy: "eve\r"},
	}}, nil
}

func (a *answers) ForgetHost(_ context.Context, r *seawallv1.ForgetHostRequest) (*seawallv1.ForgetHostResponse, error) {
	a.asked = append(a.asked, r)
	return &seawallv1.ForgetHostResponse{Host: "5f0c", Rows: 12}, nil
}

func (a *answers) ForgetUser(_ context.Context, r *seawallv1.ForgetUserRequest) (*seawallv1.ForgetUserResponse, error) {
	a.asked = append(a.asked, r)
	return &seawallv1.ForgetUserResponse{Words: 3, Changed: 2, Looked: 40, Standing: 1}, nil
}

func (a *answers) SetRetention(_ context.Context, r *seawallv1.SetRetentionRequest) (*seawallv1.SetRetentionResponse, error) {
	a.asked = append(a.asked, r)
	return &seawallv1.SetRetentionResponse{}, nil
}

// serve serves a and returns what runs a command line.
func serve(t *testing.T, a *answers) func(line ...string) (string, error) {
	t.Helper()
	l := bufconn.Listen(1 << 16)
	g := grpc.NewServer()
	seawallv1.RegisterKeepServiceServer(g, a)
	done := make(chan struct{})
	go func() { defer close(done); _ = g.Serve(l) }()
	t.Cleanup(func() { g.Stop(); <-done })
	conn, err := grpc.NewClient("passthrough:///x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return func(line ...string) (string, error) {
		var stdout bytes.Buffer
		c := Console{Now: func() time.Time { return now }, Stdout: &stdout,
			Ask: func(ctx context.Context, do func(context.Context, grpc.ClientConnInterface) error) error {
				return do(ctx, conn)
			}}
		root := &cobra.Command{Use: "x", SilenceErrors: true, SilenceUsage: true}
		root.AddCommand(c.Commands()...)
		root.SetArgs(line)
		err := root.ExecuteContext(t.Context())
		return stdout.String(), err
	}
}

// TestWaive ends a waiver after the last day that was said, and says when.
func TestWaive(t *testing.T) {
	for until, want := range map[string]time.Time{
		"2027-01-31": time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC), "2028-02-29": time.Date(2028, 3, 1, 0, 0, 0, 0, time.UTC),
		"1d": now.AddDate(0, 0, 1), "366d": now.AddDate(0, 0, 366),
		"0d": {}, "367d": {}, "-1d": {}, "d": {}, "30": {}, "2027-02-29": {}, "2027-1-31": {}, "1e2d": {}, "": {},
	} {
		a := &answers{}
		got, err := serve(t, a)("waive", "ssh-root", "--owner", "ann", "--reason", "known", "--until", until)
		if want.IsZero() {
			if err == nil || a.asked != nil {
				t.Errorf("%q: %v, asked %v", until, err, a.asked)
			}
			continue
		}
		if err != nil || len(a.asked) != 1 {
			t.Errorf("%q: %v, asked %v", until, err, a.asked)
			continue
		}
		v := a.asked[0].(*seawallv1.Waiver)
		if !v.GetExpires().AsTime().Equal(want) || v.GetCheck() != "ssh-root" || v.GetOwner() != "ann" {
			t.Errorf("%q: %v", until, v)
		}
		if said := "waived until " + want.Format("2006-01-02 15:04Z") + " as 6KQ3T5JXN4WA\n"; got != said {
			t.Errorf("%q: %q, want %q", until, got, said)
		}
	}
}

// TestList holds what people see, byte for byte: nothing in it steers a terminal, and no
// text makes a row or a column of its own.
func TestList(t *testing.T) {
	a := &answers{}
	got, err := serve(t, a)("waive", "list", "--past", "--check", "ssh-root")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		`ID  CHECK     FOR                 OWNER       UNTIL                      REASON`,
		`A   ssh-root  tag web             ann\x1b[2J  2026-06-01 12:30Z          one\ntwo\tthree`,
		`B   files     host 5f0c, /etc/\a  bob         ended 2026-06-01 by eve\r  known`, ""}, "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r := a.asked[0].(*seawallv1.ListWaiversRequest); !r.GetPast() || r.GetCheck() != "ssh-root" {
		t.Errorf("asked %v", r)
	}
}

// TestForget asks the collector for one thing, and only when the person is sure.
func TestForget(t *testing.T) {
	for line, want := range map[string]struct{ said, wrong string }{
		"forget 5f0c --yes":             {said: "forgot host 5f0c: 12 rows deleted, and a second look found none\n"},
		"forget --user mara --yes":      {said: "the name is taken out: mentions 3, in rows 2; a second look at 40 rows found none\nstanding results about the account itself, which go when it is removed on the host: 1\n"},
		"forget 5f0c":                   {wrong: ErrNotSure.Error()},
		"forget --user mara":            {wrong: ErrNotSure.Error()},
		"forget --yes":                  {wrong: "name either"},
		"forget 5f0c --user mara --yes": {wrong: "name either"},
		"forget 5f0c 6a1d --yes":        {wrong: "accepts at most 1 arg"},
	} {
		a := &answers{}
		got, err := serve(t, a)(strings.Fields(line)...)
		switch {
		case want.wrong == "" && (err != nil || got != want.said || len(a.asked) != 1):
			t.Errorf("%s: %q, %v, asked %v", line, got, err, a.asked)
		case want.wrong != "" && (err == nil || !strings.Contains(err.Error(), want.wrong) || a.asked != nil):
			t.Errorf("%s: %v, asked %v", line, err, a.asked)
		}
	}
	if _, err := serve(t, &answers{})("forget", "5f0c"); !errors.Is(err, ErrNotSure) {
		t.Errorf("%v", err)
	}
}

func TestSetRetention(t *testing.T) {
	for days, want := range map[string]int32{"90": 90, "0": 0, "-5": -1, "9x": -1, "4294967386": -1} {
		a := &answers{}
		_, err := serve(t, a)("retention", "set", "changes", days)
		if (err == nil) != (want >= 0) || (want >= 0) != (len(a.asked) == 1) {
			t.Errorf("%s: %v, asked %v", days, err, a.asked)
			continue
		}
		if want >= 0 && a.asked[0].(*seawallv1.SetRetentionRequest).GetDays() != want {
			t.Errorf("%s: asked %v", days, a.asked[0])
		}
	}
}
