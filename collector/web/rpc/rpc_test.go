package rpc

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"seawall/collector/account"
	"seawall/collector/account/apitoken"
	"seawall/collector/db"
	"seawall/collector/export"
	"seawall/collector/fleet"
	"seawall/collector/store"
	"seawall/collector/store/membership"
	"seawall/collector/web/answer"
	"seawall/collector/web/api"
	"seawall/collector/web/frame"
	"seawall/pkg/finding"
	fleetv1 "seawall/proto/seawall/fleet/v1"
)

const password = "correct horse battery staple"

// site is a store with two hosts, of which the second has the tag prod, and over it a
// server of the API and of calls, to which real tokens are shown.
type site struct {
	*testing.T
	store   *store.Store
	tokens  *apitoken.Tokens
	server  *Server
	http    *httptest.Server
	client  fleetv1.FleetServiceClient
	now     time.Time
	seq     map[fleet.HostID]uint64
	exports []string // who exported
}

func open(t *testing.T) *site {
	t.Helper()
	s := &site{T: t, now: time.Now().UTC().Truncate(time.Second), seq: map[fleet.HostID]uint64{}}
	log, now := slog.New(slog.DiscardHandler), func() time.Time { return s.now }
	var err error
	if s.store, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Now: now, Log: log}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.store.Close() })
	s.tokens = apitoken.New(s.store, now)
	f, err := frame.New(frame.Config{Log: log, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	s.server = New(Config{Frame: f, API: mux, Visitor: s.visitor, Timeline: s.store.Timeline, Within: s.store.Within, Subscribe: s.store.Subscribe})
	data := api.New(api.Config{Frame: f, Posture: s.store, Catalogue: s.store, CheckOf: s.store.CheckOf, Detections: s.store, Lists: s.store, Requests: s.store.Requests,
		Export: export.Source{Hosts: s.store.Hosts, Host: s.store.Host, Checks: s.store.Checks, Timeline: s.store.Timeline, Detections: s.store.Detections}.Open("1"),
		Exported: func(_ context.Context, who, what string) error {
			s.exports = append(s.exports, who+": "+what)
			return nil
		}})
	for _, r := range append(data.Routes(), s.server.Routes()...) {
		mux.HandleFunc(r.Pattern, func(w http.ResponseWriter, in *http.Request) {
			v := s.visitor(in)
			switch {
			case v.May(r.Role):
				r.Serve(w, frame.With(in, v))
			case Asked(in):
				Refuse(w, codes.Unauthenticated, "no")
			default:
				answer.Problem(w, http.StatusUnauthorized, "no")
			}
		})
	}
	s.http = httptest.NewUnstartedServer(mux)
	s.http.EnableHTTP2 = true
	s.http.StartTLS()
	t.Cleanup(s.http.Close)
	t.Cleanup(s.server.grpc.Stop) // before: watchers end
	s.client = s.dial()
	s.fill()
	return s
}

// visitor is who has a request's token.
func (s *site) visitor(r *http.Request) frame.Visitor {
	text, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	token, err := s.tokens.Find(r.Context(), text)
	if err != nil {
		return frame.Visitor{}
	}
	return frame.Visitor{User: token.User, Role: frame.Viewer, Scope: token.Scope, Program: true, Session: token.ID}
}

func (s *site) dial() fleetv1.FleetServiceClient {
	s.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(s.http.Certificate())
	c, err := grpc.NewClient(s.http.Listener.Addr().String(), grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12})))
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { c.Close() })
	return fleetv1.NewFleetServiceClient(c)
}

// as returns a context with a new token of a user.
func (s *site) as(user string, scope ...string) context.Context {
	s.Helper()
	return with(s.Context(), s.token(user, scope...))
}

func (s *site) token(user string, scope ...string) string {
	s.Helper()
	accounts := account.New(s.store, func() time.Time { return s.now })
	if _, err := accounts.Get(s.Context(), user); err != nil {
		if err := accounts.Add(s.Context(), "test", user, password, "viewer", scope); err != nil {
			s.Fatal(err)
		}
	}
	text, _, err := s.tokens.Add(s.Context(), "test", user, "test", "viewer", scope, time.Hour)
	if err != nil {
		s.Fatal(err)
	}
	return text
}

func with(ctx context.Context, token string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}

func host(n int) fleet.HostID { return fleet.HostID(fmt.Sprintf("%032x", n+1)) }

func (s *site) deliver(n int, records ...finding.Record) {
	s.Helper()
	id := host(n)
	if s.seq[id] == 0 {
		m := fleet.Member{Host: id, Key: sha256.Sum256([]byte(id)), Standing: fleet.Active, Enrolled: s.now, Since: s.now, Expires: s.now.Add(time.Hour),
			Machine: fleet.Machine{HostName: "web", DropletID: "7"}, Session: 3, Bundle: 1}
		if err := s.store.Update(s.Context(), func(tx *membership.Tx) error { return tx.PutMember(m) }); err != nil {
			s.Fatal(err)
		}
	}
	var items []fleet.Delivery
	for _, r := range records {
		s.seq[id]++
		items = append(items, fleet.Delivery{Lane: "posture", Epoch: 1, Sequence: s.seq[id], Record: r})
	}
	if err := s.store.Apply(s.Context(), id, items, nil); err != nil {
		s.Fatal(err)
	}
}

func (s *site) change(check string, severity finding.Severity) finding.Record {
	return finding.Record{Time: s.now, Change: &finding.Change{Previous: finding.StatusPass, Result: finding.Result{Check: check, Resource: "a\u202eb\x1b", Group: "g", Status: finding.StatusFail,
		Severity: severity, Actual: "yes", Expected: "no", Time: s.now, Since: s.now.Add(-time.Hour), Evidence: []finding.Evidence{{File: "/etc/x", Line: 3, Text: "x yes"}},
		Cause: &finding.Cause{Serial: 1 << 60, Time: s.now, AUID: 1000, LoginUser: "ann", UID: 0, User: "root", EUID: 0, Session: 1<<32 - 1, PID: 9, TTY: "pts0", Exe: "/bin/vi", Command: "vi", Path: "/etc/x", Operation: "write"}}}}
}

// fill has both hosts say something of everything.
func (s *site) fill() {
	s.Helper()
	for n := range 2 {
		s.deliver(n,
			finding.Record{Time: s.now, Heartbeat: &finding.Heartbeat{Host: finding.Host{Name: fmt.Sprint("web-", n), OS: "Debian 12", Kernel: "6.1", Arch: "x86_64", BootTime: s.now, Load1: 0.25,
				MemoryTotal: 1 << 60, CPUs: 2, Region: "fra1", Tags: []string{"web"}, AgentVersion: "1"}, Counter: finding.Counters{AuditMode: "unicast", Records: 1<<64 - 1, CPUSeconds: 1.5, AuditRateLimit: 4}}},
			s.change("ssh-root", finding.SeverityHigh), s.change("net-forward", finding.SeverityLow),
			finding.Record{Time: s.now, Detection: &finding.Detection{ID: "ab", Rule: "r", Title: "t", Severity: finding.SeverityCritical, Techniques: []string{"T1059"}, Description: "d",
				FalsePositives: []string{"f"}, Count: 4, First: s.now, Last: s.now, Group: []string{"g"}, Samples: []finding.Sample{{Time: s.now, Serial: 5, Actor: finding.Actor{AUID: 1, Login: "ann", Text: "ann"},
					Command: "c", Target: "t", Syscall: "execve", Claimed: true, Ancestry: []finding.Process{{PID: 1, Exe: "/sbin/init", Command: "init"}}, Records: []string{"type=x"}}}}})
	}
	key, err := host(1).Bytes()
	if err == nil {
		err = s.store.Write(s.Context(), func(w db.Writer) error { return w.Exec("INSERT INTO host_tag VALUES (?, 'prod')", key) })
	}
	if err != nil {
		s.Fatal(err)
	}
}

// get returns what the JSON API answers.
func (s *site) get(path, token string) []byte {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), http.MethodGet, s.http.URL+path, nil)
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	a, err := s.http.Client().Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode != http.StatusOK {
		s.Fatalf("%s: %d %s %v", path, a.StatusCode, text, err)
	}
	return text
}

// plainly returns JSON without what is empty, and with numbers as text, which protocol
// buffers write so from 64 bits on.
func plainly(t *testing.T, text []byte) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return bare(v)
}

func bare(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if v[k] = bare(e); v[k] == nil {
				delete(v, k)
			}
		}
		if len(v) == 0 {
			return nil
		}
		return v
	case []any:
		for i := range v {
			v[i] = bare(v[i])
		}
		if len(v) == 0 {
			return nil
		}
		return v
	case json.Number:
		return bare(v.String())
	case string:
		if v == "" || v == "0" || v == "0001-01-01T00:00:00Z" {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	}
	return v
}

// TestSame: a call says what the JSON API says, to the last field.
func TestSame(t *testing.T) {
	s := open(t)
	token := s.token("ann")
	ctx := with(t.Context(), token)
	id := string(host(0))
	for path, call := range map[string]func() (proto.Message, error){
		"/api/v1/hosts?severity=high&limit=1": func() (proto.Message, error) {
			return s.client.ListHosts(ctx, &fleetv1.ListHostsRequest{Severity: "high", Limit: 1})
		},
		"/api/v1/hosts/" + id: func() (proto.Message, error) { return s.client.GetHost(ctx, &fleetv1.GetHostRequest{Id: id}) },
		"/api/v1/checks":      func() (proto.Message, error) { return s.client.ListChecks(ctx, &fleetv1.ListChecksRequest{}) },
		"/api/v1/checks/ssh-root/results?limit=1": func() (proto.Message, error) {
			return s.client.ListResults(ctx, &fleetv1.ListResultsRequest{Id: "ssh-root", Limit: 1})
		},
		"/api/v1/changes?severity=high&caused=true": func() (proto.Message, error) {
			return s.client.ListChanges(ctx, &fleetv1.ListChangesRequest{Severity: "high", Caused: true})
		},
		"/api/v1/detections?limit=1": func() (proto.Message, error) {
			return s.client.ListDetections(ctx, &fleetv1.ListDetectionsRequest{Limit: 1})
		},
	} {
		out, err := call()
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		want, ok := plainly(t, s.get(path, token)).(map[string]any)
		if !ok || len(want) == 0 {
			t.Fatalf("%s says nothing", path)
		}
		delete(want, "updates") // states, put together for a page
		if d := cmp.Diff(want, plainly(t, text)); d != "" {
			t.Errorf("%s (-JSON +gRPC):\n%s", path, d)
		}
	}
}

// TestFindings: the stream has every line of the export, and stands in the trail.
func TestFindings(t *testing.T) {
	s := open(t)
	token := s.token("ann")
	stream, err := s.client.StreamFindings(with(t.Context(), token), &fleetv1.StreamFindingsRequest{Severity: "low", Status: "open"})
	if err != nil {
		t.Fatal(err)
	}
	var got []any
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range part.GetFindings() {
			text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(f)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, plainly(t, text))
		}
	}
	if len(s.exports) != 1 || !strings.Contains(s.exports[0], "of ann: findings") {
		t.Errorf("the trail says %q", s.exports)
	}
	var want []any
	for line := range strings.Lines(string(s.get("/api/v1/export?severity=low&status=open", token))) {
		want = append(want, plainly(t, []byte(line)))
	}
	if d := cmp.Diff(want, got); d != "" || len(got) != 4 {
		t.Errorf("%d findings (-export +stream):\n%s", len(got), d)
	}
}

// TestLines: lines come whole, however the writes part them.
func TestLines(t *testing.T) {
	var got []string
	l := &lines{send: func(all [][]byte) error {
		for _, one := range all {
			got = append(got, string(one))
		}
		return nil
	}}
	for _, part := range []string{"a", "b\nc\n", "", "d", "\n"} {
		if n, err := l.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	if d := cmp.Diff([]string{"ab", "c", "d"}, got); d != "" {
		t.Error(d)
	}
}

// TestTokens: without a good token there is nothing, and with a scope only what is in it.
func TestTokens(t *testing.T) {
	s := open(t)
	late := s.as("late")
	s.now = s.now.Add(2 * time.Hour)
	for name, ctx := range map[string]context.Context{
		"none": t.Context(), "wrong": with(t.Context(), apitoken.Prefix+"abc_def"), "expired": late, "long": with(t.Context(), strings.Repeat("x", 4000)),
		"of a cookie": metadata.AppendToOutgoingContext(t.Context(), "cookie", "session=x"),
	} {
		if _, err := s.client.ListHosts(ctx, &fleetv1.ListHostsRequest{}); status.Code(err) != codes.Unauthenticated {
			t.Errorf("%s: %v", name, err)
		}
		if w, err := s.client.WatchChanges(ctx, &fleetv1.WatchChangesRequest{}); err == nil {
			if _, err = w.Recv(); status.Code(err) != codes.Unauthenticated {
				t.Errorf("%s watches: %v", name, err)
			}
		}
	}
	bob := s.as("bob", "prod")
	list, err := s.client.ListHosts(bob, &fleetv1.ListHostsRequest{})
	if err != nil || len(list.GetHosts()) != 1 || list.GetHosts()[0].GetId() != string(host(1)) {
		t.Errorf("hosts of a scope: %v %v", list, err)
	} else if tags := list.GetHosts()[0].GetTags(); !slices.Equal(tags, []string{"prod"}) {
		t.Errorf("the tags that the host was given: %q", tags)
	}
	if _, err := s.client.GetHost(bob, &fleetv1.GetHostRequest{Id: string(host(0))}); status.Code(err) != codes.NotFound {
		t.Errorf("a host out of scope: %v", err)
	}
	if _, err := s.client.ListChecks(bob, &fleetv1.ListChecksRequest{}); status.Code(err) != codes.PermissionDenied {
		t.Errorf("the whole fleet: %v", err)
	}
}

// TestCheckOfScope: a check tells a scope of its own hosts, however many results others have.
func TestCheckOfScope(t *testing.T) {
	s := open(t)
	var records []finding.Record
	for i := range 600 { // more than a check tells of
		r := s.change("ssh-root", finding.SeverityHigh)
		r.Change.Result.Resource = fmt.Sprint("r", i)
		records = append(records, r)
	}
	s.deliver(0, records...)
	r := httptest.NewRequest(http.MethodGet, "/api/v1/checks/ssh-root", nil)
	r.Header.Set("Authorization", "Bearer "+s.token("bob", "prod"))
	w := httptest.NewRecorder()
	s.http.Config.Handler.ServeHTTP(w, r)
	var d fleet.CheckDetail
	if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil || len(d.States) != 1 || d.States[0].Host != host(1) || d.Check.Hosts != 1 || d.Check.Counts.Fail != 1 {
		t.Errorf("%v: %d results, %d hosts, %+v", err, len(d.States), d.Check.Hosts, d.Check.Counts)
	}
}

// TestWrong: what is wrong is said with the words and the kind that the JSON API has.
func TestWrong(t *testing.T) {
	s := open(t)
	ctx := s.as("ann")
	for want, call := range map[string]func() error{
		"InvalidArgument parameter severity:": func() error {
			_, err := s.client.ListHosts(ctx, &fleetv1.ListHostsRequest{Severity: "grave"})
			return err
		},
		"InvalidArgument parameter limit: no number from 1 to 500": func() error {
			_, err := s.client.ListHosts(ctx, &fleetv1.ListHostsRequest{Limit: 501})
			return err
		},
		"NotFound What the path names": func() error {
			_, err := s.client.GetHost(ctx, &fleetv1.GetHostRequest{Id: "../hosts"})
			return err
		},
		"NotFound ":     func() error { _, err := s.client.GetHost(ctx, &fleetv1.GetHostRequest{Id: ".."}); return err },
		"NotFound What": func() error { _, err := s.client.GetHost(ctx, &fleetv1.GetHostRequest{}); return err },
		"ResourceExhausted ": func() error {
			_, err := s.client.ListHosts(ctx, &fleetv1.ListHostsRequest{Text: strings.Repeat("x", maxRequest)})
			return err
		},
		"DeadlineExceeded ": func() error {
			soon, cancel := context.WithTimeout(ctx, time.Nanosecond)
			defer cancel()
			_, err := s.client.ListHosts(soon, &fleetv1.ListHostsRequest{})
			return err
		},
	} {
		err := call()
		if got := status.Code(err).String() + " " + status.Convert(err).Message(); !strings.HasPrefix(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
