package admin

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"seawall/collector/admin/socket"
	"seawall/collector/authority"
	"seawall/collector/enrol"
	"seawall/collector/fleet"
	"seawall/collector/roster"
	"seawall/collector/roster/ledger"
	"seawall/collector/store"
	"seawall/collector/store/membership"
	"seawall/pkg/token"
	seawallv1 "seawall/proto/seawall/v1"
)

// office is an administrator's service with all that it works with.
type office struct {
	seawallv1.AdminServiceClient
	folder string
	cfg    Config
	store  *store.Store
	log    *lines
}

// lines is a log to look at.
type lines struct {
	mu   sync.Mutex
	text strings.Builder // guarded by mu
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func open(t *testing.T) *office {
	t.Helper()
	o := &office{folder: t.TempDir(), log: &lines{}}
	quiet := slog.New(slog.DiscardHandler)
	db, err := store.Open(t.Context(), filepath.Join(o.folder, "collector.db"), store.Config{Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	o.store = db
	ca, err := authority.Open(o.folder, authority.Config{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := roster.New(t.Context(), ledger.Ledger{Update: db.Update, Read: db.Read}, roster.Config{Verify: ca.VerifyHost, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	e, err := enrol.New(t.Context(), enrol.Config{Authority: ca, Roster: r, Update: db.Update, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	o.cfg = Config{Authority: ca, Enrolment: e, Roster: r, Members: db.Members, Tokens: db.Tokens, Requests: db.Requests,
		Hosts: db.Hosts, Update: db.Update, Log: slog.New(slog.NewTextHandler(o.log, nil))}
	l, err := socket.Listen(o.folder, o.cfg.Log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, l, o.cfg) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(filepath.Join(o.folder, socket.File)); err == nil {
			t.Error("the socket is left")
		}
	})
	conn, err := grpc.NewClient("passthrough:///collector", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return socket.Dial(ctx, o.folder) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	o.AdminServiceClient = seawallv1.NewAdminServiceClient(conn)
	return o
}

// admit makes a member, and the state of a connection with its certificate.
func (o *office) admit(t *testing.T, id fleet.HostID) tls.ConnectionState {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	chain, expires, err := o.cfg.Authority.Issue(id, &key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(chain[0])
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	m := fleet.Member{Host: id, Key: roster.KeyOf(leaf), Machine: fleet.Machine{HostName: "web-1"},
		Standing: fleet.Active, Since: now, Enrolled: now, Expires: expires, Confirmed: true}
	if err := o.cfg.Update(t.Context(), func(tx *membership.Tx) error { return tx.PutMember(m) }); err != nil {
		t.Fatal(err)
	}
	o.cfg.Roster.Add(m)
	return tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}}
}

const (
	one = fleet.HostID("11111111111111111111111111111111")
	two = fleet.HostID("22222222222222222222222222222222")
)

// TestRevokeEndsStream revokes a host under a live session.
func TestRevokeEndsStream(t *testing.T) {
	o := open(t)
	state := o.admit(t, one)
	session, err := o.cfg.Roster.Begin(t.Context(), one, 0, state)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := o.ChangeHost(t.Context(), &seawallv1.ChangeHostRequest{Id: string(one), Change: seawallv1.HostChange_HOST_CHANGE_REVOKE, Reason: "sold\x1b"})
	if err != nil || answer.GetMember().GetStanding() != "revoked" {
		t.Fatalf("%v, %v", answer, err)
	}
	select {
	case <-session.Ended():
	default:
		t.Error("the stream goes on after the answer")
	}
	if _, err := o.ChangeHost(t.Context(), &seawallv1.ChangeHostRequest{Id: string(one), Change: seawallv1.HostChange_HOST_CHANGE_RELEASE}); status.Code(err) != codes.PermissionDenied {
		t.Errorf("a revoked host is released: %v", err)
	}
	if log := o.log.String(); !strings.Contains(log, `host=`+string(one)) || !strings.Contains(log, `by="uid `) {
		t.Errorf("the log says %s", log)
	}
}

// TestHosts quarantines, releases, archives and lists.
func TestHosts(t *testing.T) {
	o := open(t)
	state := o.admit(t, one)
	o.admit(t, two)
	s, err := o.cfg.Roster.Begin(t.Context(), one, 0, state)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Confirm(t.Context(), s.Number(), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := o.cfg.Roster.Begin(t.Context(), one, 0, state); err == nil {
		t.Fatal("a copy begins")
	}
	list, err := o.ListHosts(t.Context(), &seawallv1.ListHostsRequest{})
	if err != nil || len(list.GetMembers()) != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	for _, m := range list.GetMembers() {
		if quarantined := m.GetId() == string(one); quarantined != (m.GetStanding() == "quarantined") || m.GetName() != "web-1" || m.GetLastSeen() == nil {
			t.Errorf("member %v", m)
		}
	}
	for _, change := range []seawallv1.HostChange{seawallv1.HostChange_HOST_CHANGE_RELEASE, seawallv1.HostChange_HOST_CHANGE_ARCHIVE} {
		if _, err := o.ChangeHost(t.Context(), &seawallv1.ChangeHostRequest{Id: string(one), Change: change}); err != nil {
			t.Fatal(err)
		}
	}
	if list, err = o.ListHosts(t.Context(), &seawallv1.ListHostsRequest{}); err != nil {
		t.Fatal(err)
	}
	for _, m := range list.GetMembers() {
		if m.GetId() == string(one) && (m.GetStanding() != "active" || m.GetArchived() == nil) {
			t.Errorf("member %v", m)
		}
	}
	if _, err := o.cfg.Roster.Begin(t.Context(), one, 0, state); err != nil {
		t.Errorf("after its release: %v", err)
	}
	for _, r := range []*seawallv1.ChangeHostRequest{{Id: "x", Change: 1}, {Id: strings.Repeat("3", 32), Change: 1}} {
		if _, err := o.ChangeHost(t.Context(), r); status.Code(err) != codes.NotFound {
			t.Errorf("%v: %v", r, err)
		}
	}
	if _, err := o.ChangeHost(t.Context(), &seawallv1.ChangeHostRequest{Id: string(one)}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("no change: %v", err)
	}
}

// TestTokens makes, lists and revokes one.
func TestTokens(t *testing.T) {
	o := open(t)
	made, err := o.CreateToken(t.Context(), &seawallv1.CreateTokenRequest{TtlSeconds: 60, Uses: 2, Label: "x",
		Scope: &seawallv1.Scope{Networks: []string{"10.1.2.3/8"}, Name: "web-*", Clones: true}, Approval: true})
	if err != nil {
		t.Fatal(err)
	}
	text, err := token.Parse(made.GetText())
	if err != nil || hex.EncodeToString(text.ID[:]) != made.GetToken().GetId() || text.Pin != o.cfg.Authority.Pin() {
		t.Errorf("token %v, %v", text, err)
	}
	kept, err := o.cfg.Tokens(t.Context())
	if err != nil || len(kept) != 1 || kept[0].Hash != sha256.Sum256(text.Secret[:]) || kept[0].Scope.Networks[0] != netip.MustParsePrefix("10.0.0.0/8") {
		t.Errorf("kept %+v, %v", kept, err)
	}
	if strings.Contains(o.log.String(), made.GetText()) {
		t.Error("the log holds the token")
	}
	if _, err := o.RevokeToken(t.Context(), &seawallv1.RevokeTokenRequest{Id: made.GetToken().GetId()}); err != nil {
		t.Fatal(err)
	}
	list, err := o.ListTokens(t.Context(), &seawallv1.ListTokensRequest{})
	if err != nil || len(list.GetTokens()) != 1 || list.GetTokens()[0].GetRevoked() == nil || !list.GetTokens()[0].GetScope().GetClones() {
		t.Errorf("%v, %v", list, err)
	}
	for _, r := range []*seawallv1.CreateTokenRequest{{TtlSeconds: 1 << 40}, {Scope: &seawallv1.Scope{Networks: []string{"x"}}}, {TtlSeconds: 1}} {
		if _, err := o.CreateToken(t.Context(), r); err == nil {
			t.Errorf("%v is taken", r)
		}
	}
	if _, err := o.RevokeToken(t.Context(), &seawallv1.RevokeTokenRequest{Id: "0"}); status.Code(err) != codes.NotFound {
		t.Errorf("revoked: %v", err)
	}
	if _, err := o.DecideRequest(t.Context(), &seawallv1.DecideRequestRequest{Id: "0"}); status.Code(err) != codes.NotFound {
		t.Errorf("decided: %v", err)
	}
}

// TestAuthorities rotates, and counts the hosts that have each bundle.
func TestAuthorities(t *testing.T) {
	o := open(t)
	state := o.admit(t, one)
	o.admit(t, two)
	before, err := o.ListAuthorities(t.Context(), &seawallv1.ListAuthoritiesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.RotateAuthority(t.Context(), &seawallv1.RotateAuthorityRequest{}); err != nil {
		t.Fatal(err)
	}
	s, err := o.cfg.Roster.Begin(t.Context(), one, 0, state)
	if err != nil {
		t.Fatal(err)
	}
	bundle, _ := o.cfg.Authority.Bundle()
	if err := s.Confirm(t.Context(), s.Number(), bundle.Revision); err != nil {
		t.Fatal(err)
	}
	old := before.GetAuthorities()[0].GetId()
	if _, err := o.RetireAuthority(t.Context(), &seawallv1.RetireAuthorityRequest{Id: old, Distrust: true}); err != nil {
		t.Fatal(err)
	}
	after, err := o.ListAuthorities(t.Context(), &seawallv1.ListAuthoritiesRequest{})
	if err != nil || len(after.GetAuthorities()) != 2 || !after.GetAuthorities()[0].GetDistrusted() || !after.GetAuthorities()[1].GetActive() {
		t.Fatalf("%v, %v", after, err)
	}
	if h := after.GetHosts(); len(h) != 2 || h[0] != 1 || h[bundle.Revision] != 1 || after.GetBundleRevision() <= bundle.Revision {
		t.Errorf("hosts by revision %v, newest %d, before %d", h, after.GetBundleRevision(), bundle.Revision)
	}
	if _, err := o.RetireAuthority(t.Context(), &seawallv1.RetireAuthorityRequest{Id: "0"}); err == nil {
		t.Error("one that is not there is retired")
	}
}
