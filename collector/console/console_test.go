package console

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"seawall/collector/admin/socket"
	seawallv1 "seawall/proto/seawall/v1"
)

var update = flag.Bool("update", false, "write the golden files anew")

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func at(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(now.Add(d)) }

// answers is an administrator's service with what it answers.
type answers struct {
	seawallv1.UnimplementedAdminServiceServer
	hosts   *seawallv1.ListHostsResponse
	changed []*seawallv1.ChangeHostRequest
	decided []*seawallv1.DecideRequestRequest
}

func (f *answers) ListHosts(context.Context, *seawallv1.ListHostsRequest) (*seawallv1.ListHostsResponse, error) {
	return f.hosts, nil
}

func (f *answers) ChangeHost(_ context.Context, r *seawallv1.ChangeHostRequest) (*seawallv1.ChangeHostResponse, error) {
	f.changed = append(f.changed, r)
	return &seawallv1.ChangeHostResponse{Member: &seawallv1.Member{Id: r.GetId(), Name: "evil\x1b[2J"}}, nil
}

func (f *answers) DecideRequest(_ context.Context, r *seawallv1.DecideRequestRequest) (*seawallv1.DecideRequestResponse, error) {
	f.decided = append(f.decided, r)
	return &seawallv1.DecideRequestResponse{Request: &seawallv1.Request{Id: r.GetId(), Name: "copy\n1", Decision: "approved"}}, nil
}

func (f *answers) ListTokens(context.Context, *seawallv1.ListTokensRequest) (*seawallv1.ListTokensResponse, error) {
	scope := &seawallv1.Scope{Clones: true, Name: "web-*", Networks: []string{"10.0.0.0/8"}}
	return &seawallv1.ListTokensResponse{Tokens: []*seawallv1.Token{
		{Id: "0000000000000001", Expires: at(time.Hour), Uses: 3, Used: 1, Label: "image", Scope: scope, Tags: []string{"env=prod", "a\x1b[2J"}},
		{Id: "0000000000000002", Expires: at(-time.Hour), Uses: 1},
		{Id: "0000000000000003", Expires: at(-30 * 24 * time.Hour), Uses: 1, Label: "old"},
		{Id: "0000000000000004", Expires: at(time.Hour), Uses: 1, Used: 1, Approval: true},
		{Id: "0000000000000005", Expires: at(time.Hour), Uses: 1, Revoked: at(0)},
	}}, nil
}

func (f *answers) ListAuthorities(context.Context, *seawallv1.ListAuthoritiesRequest) (*seawallv1.ListAuthoritiesResponse, error) {
	return &seawallv1.ListAuthoritiesResponse{BundleRevision: 30, Hosts: map[uint64]uint32{30: 7, 20: 2, 0: 1},
		Authorities: []*seawallv1.Authority{
			{Id: "000000000000000a", Created: at(-900 * 24 * time.Hour), Expires: at(6400 * 24 * time.Hour), Retired: true, Distrusted: true},
			{Id: "000000000000000b", Created: at(-90 * 24 * time.Hour), Expires: at(7200 * 24 * time.Hour), Retired: true},
			{Id: "000000000000000c", Created: at(-3 * time.Hour), Expires: at(7300 * 24 * time.Hour)},
			{Id: "000000000000000d", Created: at(-5 * time.Second), Expires: at(7300 * 24 * time.Hour), Active: true},
		}}, nil
}

// hosts is a fleet with one of each kind, and a host that attacks the terminal.
func hosts() *seawallv1.ListHostsResponse {
	return &seawallv1.ListHostsResponse{
		Members: []*seawallv1.Member{
			{Id: "aaaa0000000000000000000000000001", Name: "web-1", Standing: "active", Since: at(-48 * time.Hour), Enrolled: at(-48 * time.Hour),
				Token: "0000000000000001", Expires: at(12 * 24 * time.Hour), Presence: "online", LastSeen: at(-30 * time.Second),
				BundleRevision: 30, DropletId: "42", Key: strings.Repeat("0", 64)},
			{Id: "aaaa0000000000000000000000000002", Name: "web\x1b]0;x\a-2\nforged", Standing: "quarantined", Reason: "two \x1b places",
				Since: at(-time.Minute), Enrolled: at(-200 * 24 * time.Hour), Expires: at(-3 * time.Hour), Presence: "silent", LastSeen: at(-4 * time.Hour),
				Recoveries: 2, Recovered: at(-24 * time.Hour), CloneOf: "aaaa0000000000000000000000000001"},
			{Id: "bbbb0000000000000000000000000003", Name: "gone", Standing: "revoked", Archived: at(-time.Hour), Expires: at(-90 * 24 * time.Hour)},
		},
		Requests: []*seawallv1.Request{
			{Id: "00000000000000f1", Name: "copy-1", Address: "192.0.2.7", CloneOf: "aaaa0000000000000000000000000001", Asked: at(-time.Hour), Again: at(-time.Minute), Decision: "waiting",
				Token: "0000000000000004", Tags: []string{"env=prod", "x\x1b[2J"}},
		},
	}
}

// serve serves f and returns what runs a command line.
func serve(t *testing.T, f *answers) func(line ...string) (stdout, stderr string, err error) {
	t.Helper()
	folder := t.TempDir()
	l, err := socket.Listen(folder, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer()
	seawallv1.RegisterAdminServiceServer(g, f)
	done := make(chan struct{})
	go func() { defer close(done); _ = g.Serve(l) }()
	t.Cleanup(func() { g.Stop(); <-done })
	return func(line ...string) (string, string, error) { return run(folder, line...) }
}

func run(folder string, line ...string) (string, string, error) {
	var stdout, stderr bytes.Buffer
	root := &cobra.Command{Use: "x", SilenceErrors: true, SilenceUsage: true}
	root.SetOut(io.Discard)
	root.SetErr(io.Discard)
	root.AddCommand(Console{Folder: func() string { return folder }, Stdout: &stdout, Stderr: &stderr, Now: func() time.Time { return now }}.Commands()...)
	root.SetArgs(line)
	err := root.Execute()
	return stdout.String(), stderr.String(), err
}

// TestTables holds what people see, byte for byte.
func TestTables(t *testing.T) {
	x := serve(t, &answers{hosts: hosts()})
	for name, line := range map[string]string{
		"token-list": "token list", "token-list-all": "token list --all", "token-list.json": "token list --json",
		"host-list": "host list", "host-list.json": "host list --json", "ca-list": "ca list", "ca-list.json": "ca list --json",
		"host-show": "host show aaaa0000000000000000000000000002", "request-show": "host show 00000000000000f1",
	} {
		got, stderr, err := x(strings.Fields(line)...)
		if err != nil || stderr != "" {
			t.Errorf("%s: %v, %q", line, err, stderr)
		}
		if !strings.HasSuffix(name, ".json") && strings.ContainsAny(got, "\x1b\a") {
			t.Errorf("%s: it steers the terminal: %q", line, got)
		}
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", line, diff)
		}
	}
}

// TestEmpty lists nothing.
func TestEmpty(t *testing.T) {
	x := serve(t, &answers{hosts: &seawallv1.ListHostsResponse{}})
	if got, _, err := x("host", "list"); err != nil || strings.Count(got, "\n") != 1 {
		t.Errorf("%q, %v", got, err)
	}
}

// TestNamesOneHost changes the host whose id begins so, when there is one, and
// never one by its name.
func TestNamesOneHost(t *testing.T) {
	f := &answers{hosts: hosts()}
	x := serve(t, f)
	for line, want := range map[string]string{
		"bbbb": "", "bbbb0000000000000000000000000003": "",
		"aaaa": "2 hosts begin with aaaa", "bbb": "no such host", "web-1": "no such host", "cccc": "no such host",
	} {
		f.changed = nil
		_, stderr, err := x("host", "revoke", line, "--reason", "sold")
		switch {
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || f.changed != nil):
			t.Errorf("%s: %v, changed %v", line, err, f.changed)
		case want == "" && (err != nil || len(f.changed) != 1 || f.changed[0].GetId() != "bbbb0000000000000000000000000003" || f.changed[0].GetReason() != "sold"):
			t.Errorf("%s: %v, changed %v", line, err, f.changed)
		case strings.Contains(stderr, "\x1b"):
			t.Errorf("%s: %q", line, stderr)
		}
	}
}

// TestDecide sends decisions.
func TestDecide(t *testing.T) {
	f := &answers{hosts: hosts()}
	x := serve(t, f)
	for i, word := range []string{"approve", "reject"} {
		_, stderr, err := x("host", word, "00000000000000f1")
		if err != nil || f.decided[i].GetApprove() != (word == "approve") || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: %v, %q", word, err, stderr)
		}
	}
}

// TestNobodyAnswers says what to do.
func TestNobodyAnswers(t *testing.T) {
	folder := t.TempDir()
	for _, f := range []string{folder, filepath.Join(folder, "none")} {
		if _, _, err := run(f, "host", "list"); err == nil || !strings.Contains(err.Error(), "no collector runs on "+f) {
			t.Errorf("%s: %v", f, err)
		}
	}
	// An error of the collector is told without gRPC's words.
	x := serve(t, &answers{})
	if _, _, err := x("token", "create"); err == nil || strings.Contains(err.Error(), "rpc error") {
		t.Errorf("%v", err)
	}
	if _, _, err := x("ca", "rotate", "now"); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestLife reads how long a token invites.
func TestLife(t *testing.T) {
	for text, want := range map[string]time.Duration{"7d": 7 * 24 * time.Hour, "90m": 90 * time.Minute, "1h30m": 90 * time.Minute,
		"d": 0, "-1d": 0, "99999d": 0, "1": 0, "1ns": 0, "-1h": 0, "": 0} {
		var l life
		err := l.Set(text)
		if (err != nil) != (want == 0) || err == nil && time.Duration(l) != want {
			t.Errorf("%q: %v, %v", text, time.Duration(l), err)
		}
	}
}
