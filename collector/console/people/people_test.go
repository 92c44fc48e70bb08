package people

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/timestamppb"

	seawallv1 "seawall/proto/seawall/v1"
)

const word = "correct horse battery"

var now = time.Date(2026, 6, 1, 12, 30, 0, 0, time.UTC)

// answers is the collector's side: what it was asked, and answers that attack a terminal.
type answers struct {
	seawallv1.UnimplementedPeopleServiceServer
	added  []*seawallv1.AddUserRequest
	roles  []*seawallv1.SetUserRoleRequest
	tokens []*seawallv1.AddApiTokenRequest
	broken string
}

func (a *answers) ListUsers(context.Context, *seawallv1.ListUsersRequest) (*seawallv1.ListUsersResponse, error) {
	return &seawallv1.ListUsersResponse{Users: []*seawallv1.User{
		{Name: "ann", Role: "admin", Password: true, Seen: timestamppb.New(now)},
		{Name: "bob", Role: "viewer", Scope: []string{"db\x1b[2J", "web"}},
		{Name: "carol", Role: "operator", Password: true, Disabled: true},
	}}, nil
}

func (a *answers) AddUser(_ context.Context, r *seawallv1.AddUserRequest) (*seawallv1.AddUserResponse, error) {
	a.added = append(a.added, r)
	if r.GetPassword() != "" || r.GetWithoutPassword() {
		return &seawallv1.AddUserResponse{}, nil
	}
	return &seawallv1.AddUserResponse{Password: "made-for-you"}, nil
}

func (a *answers) SetUserRole(_ context.Context, r *seawallv1.SetUserRoleRequest) (*seawallv1.SetUserRoleResponse, error) {
	a.roles = append(a.roles, r)
	return &seawallv1.SetUserRoleResponse{}, nil
}

func (a *answers) AddApiToken(_ context.Context, r *seawallv1.AddApiTokenRequest) (*seawallv1.AddApiTokenResponse, error) {
	a.tokens = append(a.tokens, r)
	return &seawallv1.AddApiTokenResponse{Text: "swc_secret", Token: &seawallv1.ApiToken{Id: "0123", User: r.GetUser(), Role: r.GetRole(), Expires: timestamppb.New(now)}}, nil
}

func (a *answers) ListTrail(context.Context, *seawallv1.ListTrailRequest) (*seawallv1.ListTrailResponse, error) {
	return &seawallv1.ListTrailResponse{Entries: []*seawallv1.TrailEntry{
		{Seq: 2, Time: timestamppb.New(now), Who: "ann", Action: "waiver add", Target: "ssh-root", Detail: "one\ntwo\x1b]0;x\a"},
	}}, nil
}

func (a *answers) VerifyTrail(context.Context, *seawallv1.VerifyTrailRequest) (*seawallv1.VerifyTrailResponse, error) {
	return &seawallv1.VerifyTrailResponse{Entries: 7, Head: "abcd", Broken: a.broken}, nil
}

// serve serves a and returns what runs a command line with standard input.
func serve(t *testing.T, a *answers) func(stdin string, line ...string) (stdout, stderr string, err error) {
	t.Helper()
	l := bufconn.Listen(1 << 16)
	g := grpc.NewServer()
	seawallv1.RegisterPeopleServiceServer(g, a)
	done := make(chan struct{})
	go func() { defer close(done); _ = g.Serve(l) }()
	t.Cleanup(func() { g.Stop(); <-done })
	conn, err := grpc.NewClient("passthrough:///x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return func(stdin string, line ...string) (string, string, error) {
		var stdout, stderr bytes.Buffer
		c := Console{Stdin: strings.NewReader(stdin), Stdout: &stdout, Stderr: &stderr,
			Ask: func(ctx context.Context, do func(context.Context, grpc.ClientConnInterface) error) error {
				return do(ctx, conn)
			}}
		root := &cobra.Command{Use: "x", SilenceErrors: true, SilenceUsage: true}
		root.AddCommand(c.Commands()...)
		root.SetArgs(line)
		err := root.ExecuteContext(t.Context())
		return stdout.String(), stderr.String(), err
	}
}

// TestTables holds what people see, byte for byte: nothing in it steers a terminal.
func TestTables(t *testing.T) {
	x := serve(t, &answers{})
	for line, want := range map[string]string{
		"user list": `NAME   ROLE      HOSTS          SIGNS IN       LAST
ann    admin     all            by password    2026-06-01 12:30:00Z
bob    viewer    db\x1b[2J,web  by provider    never
carol  operator  all            not, disabled  never
`,
		"trail list": `NO  TIME                  WHO  ACTION      TARGET    DETAIL
2   2026-06-01 12:30:00Z  ann  waiver add  ssh-root  one\ntwo\x1b]0;x\a
`,
		"trail verify": "7 entries hold; newest hash abcd\n",
	} {
		got, stderr, err := x("", strings.Fields(line)...)
		if diff := cmp.Diff(want, got); diff != "" || err != nil || stderr != "" {
			t.Errorf("%s: %v %q (-want +got):\n%s", line, err, stderr, diff)
		}
	}
	_, _, err := serve(t, &answers{broken: "entry 8 was altered"})("", "trail", "verify")
	if !errors.Is(err, ErrBroken) || !strings.Contains(err.Error(), "after 7 entries that hold: entry 8") {
		t.Errorf("%v", err)
	}
}

// TestPassword takes the first line of what it is given, prints what was made alone, and
// asks the collector for nothing when there is no password where one was said to be.
func TestPassword(t *testing.T) {
	file := filepath.Join(t.TempDir(), "word")
	if err := os.WriteFile(file, []byte(word+"\r\nnext\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]struct{ stdin, password, stdout, wrong string }{
		"user add bob":                                      {stdout: "made-for-you\n"},
		"user add bob --without-password":                   {},
		"user add bob --password-file -":                    {stdin: word, password: word},
		"user add bob --password-file " + file:              {password: word},
		"user add bob --password-file /":                    {wrong: "read the password"},
		"user add dan --password-file -":                    {stdin: "\n" + word, wrong: "- is empty"},
		"user add eve --password-file -":                    {stdin: strings.Repeat("x", passwordBytes) + "\r\n", password: strings.Repeat("x", passwordBytes)},
		"user add fay --password-file -":                    {stdin: strings.Repeat("x", passwordBytes+1) + "\n", wrong: "more than 4096 bytes"},
		"user add gus --password-file -":                    {stdin: strings.Repeat("x", 1<<20), wrong: "more than 4096 bytes"},
		"user add bob --without-password --password-file -": {stdin: word, wrong: "none of the others can be"},
	} {
		a := &answers{}
		stdout, stderr, err := serve(t, a)(want.stdin, strings.Fields(line)...)
		if want.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), want.wrong) || a.added != nil {
				t.Errorf("%s: %v, asked %v", line, err, a.added)
			}
			continue
		}
		if err != nil || len(a.added) != 1 || a.added[0].GetPassword() != want.password || stdout != want.stdout {
			t.Errorf("%s: %v, asked %d, printed %q", line, err, len(a.added), stdout)
		}
		if (stderr != "") != (want.stdout != "") || strings.Contains(stderr, "made-for-you") {
			t.Errorf("%s: beside it %q", line, stderr)
		}
	}
}

// TestRole leaves a user the hosts that it sees, unless the command says which.
func TestRole(t *testing.T) {
	for line, want := range map[string][]string{
		"user role bob --role operator":             {"db\x1b[2J", "web"},
		"user role bob --role operator --all-hosts": nil,
		"user role bob --role viewer --tag new":     {"new"},
		"user role bob --role admin":                nil,
		"user role ann --role viewer":               nil,
	} {
		a := &answers{}
		if _, _, err := serve(t, a)("", strings.Fields(line)...); err != nil || len(a.roles) != 1 || !slices.Equal(a.roles[0].GetScope(), want) {
			t.Errorf("%s: %v, asked %v", line, err, a.roles)
		}
	}
}

// TestToken prints the token alone, for as long as was said.
func TestToken(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"1d": 24 * time.Hour, "366d": 366 * 24 * time.Hour, "12h": 12 * time.Hour, "90m": 90 * time.Minute,
		"0d": 0, "367d": 0, "01d": 0, "1.5d": 0, "d": 0, "1d1d": 0, "-1h": 0, "0s": 0, "soon": 0,
	} {
		a := &answers{}
		stdout, stderr, err := serve(t, a)("", "apitoken", "add", "bob", "--label", "report", "--life", text)
		if want == 0 {
			if err == nil || a.tokens != nil {
				t.Errorf("%s: %v, asked %v", text, err, a.tokens)
			}
			continue
		}
		if err != nil || len(a.tokens) != 1 || a.tokens[0].GetLifeSeconds() != int64(want.Seconds()) {
			t.Errorf("%s: %v, asked %v", text, err, a.tokens)
		}
		if stdout != "swc_secret\n" || !strings.Contains(stderr, "API token 0123 of bob, viewer of all hosts until 2026-06-01 12:30:00Z, shown once") {
			t.Errorf("%s: %q, beside it %q", text, stdout, stderr)
		}
	}
}
