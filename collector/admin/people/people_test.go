package people

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"seawall/collector/account"
	"seawall/collector/account/apitoken"
	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store"
	seawallv1 "seawall/proto/seawall/v1"
)

const (
	word = "correct horse battery"
	host = fleet.HostID("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa01")
)

// asker is who is at the other end of the socket.
type asker string

func (asker) Network() string  { return "unix" }
func (a asker) String() string { return string(a) }

// open returns the service over a store with an admin, ann, and a host, the context of
// root, and the names whose sessions the service ended.
func open(t *testing.T) (context.Context, *Service, *[]string) {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	key, err := host.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	err = s.Write(t.Context(), func(w db.Writer) error {
		return w.Exec("INSERT INTO host (host, first_seen, last_seen, name) VALUES (?, 1, 1, 'web-1')", key)
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := new([]string)
	service := &Service{Accounts: account.New(s, time.Now), Tokens: apitoken.New(s, time.Now), Data: s,
		EndUser: func(name string) { *ended = append(*ended, name) }}
	if err := service.Accounts.Add(t.Context(), "root", "ann", word, account.Admin, nil); err != nil {
		t.Fatal(err)
	}
	return peer.NewContext(t.Context(), &peer.Peer{Addr: asker("uid 0")}), service, ended
}

// TestPasswords makes a password where none is given, and one that signs in.
func TestPasswords(t *testing.T) {
	ctx, s, ended := open(t)
	made, err := s.AddUser(ctx, &seawallv1.AddUserRequest{Name: "bob", Role: "viewer", Scope: []string{"web"}})
	if err != nil {
		t.Fatal(err)
	}
	if u, err := s.Accounts.SignIn(ctx, "bob", made.GetPassword()); err != nil || !slices.Equal(u.Scope, []string{"web"}) {
		t.Errorf("%+v, %v", u, err)
	}
	given, err := s.AddUser(ctx, &seawallv1.AddUserRequest{Name: "carol", Role: "operator", Password: word})
	if err != nil || given.GetPassword() != "" {
		t.Errorf("a given password comes back: %q, %v", given.GetPassword(), err)
	}
	none, err := s.AddUser(ctx, &seawallv1.AddUserRequest{Name: "dave", Role: "viewer", WithoutPassword: true})
	if err != nil || none.GetPassword() != "" {
		t.Errorf("%q, %v", none.GetPassword(), err)
	}
	again, err := s.SetUserPassword(ctx, &seawallv1.SetUserPasswordRequest{Name: "bob"})
	if err != nil || again.GetPassword() == made.GetPassword() {
		t.Fatalf("the same password, %v", err)
	}
	if _, err := s.Accounts.SignIn(ctx, "bob", again.GetPassword()); err != nil {
		t.Error(err)
	}
	if _, err := s.Accounts.SignIn(ctx, "bob", made.GetPassword()); err == nil {
		t.Error("the old password still signs in")
	}
	all, err := s.ListUsers(ctx, &seawallv1.ListUsersRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, u := range all.GetUsers() {
		line := u.GetName() + " " + u.GetRole()
		if !u.GetPassword() {
			line += " without"
		}
		if u.GetSeen() == nil {
			line += " unseen"
		}
		got = append(got, line)
	}
	want := []string{"ann admin unseen", "bob viewer", "carol operator unseen", "dave viewer without unseen"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
	if !slices.Equal(*ended, []string{"bob"}) {
		t.Errorf("ended the sessions of %q", *ended)
	}
}

// TestChanges ends the sessions of whom a change was about, and of nobody when there was
// none; the answer says what was wrong.
func TestChanges(t *testing.T) {
	ctx, s, ended := open(t)
	if _, err := s.AddUser(ctx, &seawallv1.AddUserRequest{Name: "bob", Role: "operator", Password: word}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name string
		do   func() error
		want codes.Code
		ends string
	}{
		{"a role", func() error {
			_, err := s.SetUserRole(ctx, &seawallv1.SetUserRoleRequest{Name: "bob", Role: "viewer", Scope: []string{"web"}})
			return err
		}, codes.OK, "bob"},
		{"no such role", func() error {
			_, err := s.SetUserRole(ctx, &seawallv1.SetUserRoleRequest{Name: "bob", Role: "owner"})
			return err
		}, codes.InvalidArgument, ""},
		{"nobody's role", func() error {
			_, err := s.SetUserRole(ctx, &seawallv1.SetUserRoleRequest{Name: "eve", Role: "viewer"})
			return err
		}, codes.NotFound, ""},
		{"a short password", func() error {
			_, err := s.SetUserPassword(ctx, &seawallv1.SetUserPasswordRequest{Name: "bob", Password: "short"})
			return err
		}, codes.InvalidArgument, ""},
		{"a name that is taken", func() error {
			_, err := s.AddUser(ctx, &seawallv1.AddUserRequest{Name: "bob", Role: "viewer"})
			return err
		}, codes.AlreadyExists, ""},
		{"disable", func() error {
			_, err := s.DisableUser(ctx, &seawallv1.DisableUserRequest{Name: "bob", Disabled: true})
			return err
		}, codes.OK, "bob"},
		{"disable the last admin", func() error {
			_, err := s.DisableUser(ctx, &seawallv1.DisableUserRequest{Name: "ann", Disabled: true})
			return err
		}, codes.FailedPrecondition, ""},
		{"remove the last admin", func() error {
			_, err := s.RemoveUser(ctx, &seawallv1.RemoveUserRequest{Name: "ann"})
			return err
		}, codes.FailedPrecondition, ""},
		{"remove", func() error {
			_, err := s.RemoveUser(ctx, &seawallv1.RemoveUserRequest{Name: "bob"})
			return err
		}, codes.OK, "bob"},
	} {
		*ended = nil
		err := step.do()
		if got := strings.Join(*ended, " "); status.Code(err) != step.want || got != step.ends {
			t.Errorf("%s: %v, want %v; ended the sessions of %q, want %q", step.name, err, step.want, got, step.ends)
		}
	}
}

// TestTokens shows a token's secret once, in the answer that makes it.
func TestTokens(t *testing.T) {
	ctx, s, _ := open(t)
	if _, err := s.AddUser(ctx, &seawallv1.AddUserRequest{Name: "bob", Role: "viewer", Scope: []string{"web"}, Password: word}); err != nil {
		t.Fatal(err)
	}
	ask := &seawallv1.AddApiTokenRequest{User: "bob", Label: "report", Role: "viewer", Scope: []string{"web"}, LifeSeconds: 3600}
	made, err := s.AddApiToken(ctx, ask)
	if err != nil {
		t.Fatal(err)
	}
	if found, err := s.Tokens.Find(ctx, made.GetText()); err != nil || found.ID != made.GetToken().GetId() || found.User != "bob" {
		t.Errorf("%+v, %v", found, err)
	}
	all, err := s.ListApiTokens(ctx, &seawallv1.ListApiTokensRequest{User: "bob"})
	if err != nil || len(all.GetTokens()) != 1 || strings.Contains(all.String(), made.GetText()) {
		t.Errorf("%v, %v", all, err)
	}
	if all, err := s.ListApiTokens(ctx, &seawallv1.ListApiTokensRequest{User: "ann"}); err != nil || len(all.GetTokens()) != 0 {
		t.Errorf("another's: %v, %v", all, err)
	}
	for name, r := range map[string]*seawallv1.AddApiTokenRequest{
		"more than its user": {User: "bob", Label: "x", Role: "admin", LifeSeconds: 3600},
		"for ever":           {User: "bob", Label: "x", Role: "viewer", Scope: []string{"web"}, LifeSeconds: 1 << 62},
		"in the past":        {User: "bob", Label: "x", Role: "viewer", Scope: []string{"web"}, LifeSeconds: -1},
	} {
		if made, err := s.AddApiToken(ctx, r); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v, %v", name, made.GetToken(), err)
		}
	}
	for i, want := range []codes.Code{codes.OK, codes.NotFound} {
		if _, err := s.RevokeApiToken(ctx, &seawallv1.RevokeApiTokenRequest{Id: made.GetToken().GetId()}); status.Code(err) != want {
			t.Errorf("revoke %d: %v, want %v", i, err, want)
		}
	}
	if _, err := s.Tokens.Find(ctx, made.GetText()); err == nil {
		t.Error("a revoked token is still good")
	}
}

// TestTags finds a host by the beginning of its id alone.
func TestTags(t *testing.T) {
	ctx, s, _ := open(t)
	set, err := s.SetHostTags(ctx, &seawallv1.SetHostTagsRequest{Host: "aaaaaaaa", Add: []string{"web", "prod"}})
	if err != nil || !slices.Equal(set.GetTags(), []string{"prod", "web"}) {
		t.Fatalf("%v, %v", set, err)
	}
	if set, err = s.SetHostTags(ctx, &seawallv1.SetHostTagsRequest{Host: string(host), Remove: []string{"web"}}); err != nil || !slices.Equal(set.GetTags(), []string{"prod"}) {
		t.Errorf("%v, %v", set, err)
	}
	all, err := s.ListHostTags(ctx, &seawallv1.ListHostTagsRequest{})
	if err != nil || len(all.GetHosts()) != 1 || all.GetHosts()[0].GetHost() != string(host) || all.GetHosts()[0].GetName() != "web-1" {
		t.Errorf("%v, %v", all, err)
	}
	for host, want := range map[string]codes.Code{"bbbbbbbb": codes.NotFound, "web-1": codes.NotFound, "%": codes.NotFound} {
		if _, err := s.SetHostTags(ctx, &seawallv1.SetHostTagsRequest{Host: host, Add: []string{"x"}}); status.Code(err) != want {
			t.Errorf("%s: %v", host, err)
		}
	}
	if _, err := s.SetHostTags(ctx, &seawallv1.SetHostTagsRequest{Host: string(host), Add: []string{"a b\n"}}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a tag that cannot be: %v", err)
	}
}

// TestTrail says who asked, and where the record was altered.
func TestTrail(t *testing.T) {
	ctx, s, _ := open(t)
	for addr, who := range map[asker]string{"uid 0": "root", "uid 998": "uid 998"} {
		ctx := peer.NewContext(ctx, &peer.Peer{Addr: addr})
		if _, err := s.SetUserPassword(ctx, &seawallv1.SetUserPasswordRequest{Name: "ann"}); err != nil {
			t.Fatal(err)
		}
		did, err := s.ListTrail(ctx, &seawallv1.ListTrailRequest{Limit: 1})
		if err != nil || len(did.GetEntries()) != 1 || did.GetEntries()[0].GetWho() != who || did.GetEntries()[0].GetTarget() != "ann" {
			t.Errorf("%s: %v, %v", addr, did, err)
		}
	}
	good, err := s.VerifyTrail(ctx, &seawallv1.VerifyTrailRequest{})
	if err != nil || good.GetBroken() != "" || good.GetEntries() != 3 {
		t.Fatalf("%v, %v", good, err)
	}
	if kept, err := s.VerifyTrail(ctx, &seawallv1.VerifyTrailRequest{Head: good.GetHead()}); err != nil || kept.GetBroken() != "" {
		t.Errorf("%v, %v", kept, err)
	}
	err = s.Data.Write(ctx, func(w db.Writer) error { return w.Exec("UPDATE trail SET who = 'eve' WHERE seq = 2") })
	if err != nil {
		t.Fatal(err)
	}
	if bad, err := s.VerifyTrail(ctx, &seawallv1.VerifyTrailRequest{}); err != nil || bad.GetBroken() == "" || bad.GetEntries() != 1 {
		t.Errorf("%v, %v", bad, err)
	}
}
