package post

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/alert"
	"seawall/pkg/finding"
)

// receiver is an HTTP server that keeps what it gets and answers as it is told.
type receiver struct {
	*httptest.Server
	got    []*http.Request
	bodies []string
	code   int
	say    string
	head   map[string]string
}

func newReceiver(t *testing.T, secure bool) *receiver {
	t.Helper()
	r := &receiver{code: 200}
	handler := http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			t.Error(err)
		}
		r.got, r.bodies = append(r.got, q), append(r.bodies, string(body))
		for k, v := range r.head {
			w.Header().Set(k, v)
		}
		w.WriteHeader(r.code)
		io.WriteString(w, r.say)
	})
	if secure {
		r.Server = httptest.NewTLSServer(handler)
	} else {
		r.Server = httptest.NewServer(handler)
	}
	t.Cleanup(r.Close)
	return r
}

func signal(title string, over bool) alert.Signal {
	return alert.Signal{Topic: alert.Finding, Severity: finding.SeverityHigh, Over: over, Host: "h", HostName: "web-1", Check: "ssh-root", Title: title,
		Actual: "yes", Path: "/hosts/h", Time: time.Unix(1_800_000_000, 0).UTC()}
}

func parcel(t *testing.T, m alert.Message) alert.Parcel {
	t.Helper()
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return alert.Parcel{ID: m.ID, Kind: alert.KindMessage, Type: "application/json", Body: data}
}

func message(signals ...alert.Signal) alert.Message {
	return alert.Compose("0123", "rule", time.Unix(1_800_000_000, 0), signals, 0)
}

// TestWebhook: over TLS, signed as Standard Webhooks says.
func TestWebhook(t *testing.T) {
	r := newReceiver(t, true)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate().Raw}))
	secret := []byte("a secret of some length")
	s, err := NewWebhook(Config{URL: r.URL + "/in?x=1", Secret: secret, Roots: roots, Dashboard: "https://d", Headers: map[string]string{"X-Team": "ops"},
		Now: func() time.Time { return time.Unix(1_800_000_100, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	m := message(signal("Root may log in", false))
	if err := s.Send(t.Context(), parcel(t, m)); err != nil {
		t.Fatal(err)
	}
	q := r.got[0]
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "0123.1800000100.%s", r.bodies[0])
	for k, want := range map[string]string{"Webhook-Id": "0123", "Webhook-Timestamp": "1800000100", "X-Team": "ops", "Content-Type": "application/json",
		"Webhook-Signature": "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))} {
		if got := q.Header.Get(k); got != want {
			t.Errorf("%s: %q, want %q", k, got, want)
		}
	}
	var back alert.Message
	if err := json.Unmarshal([]byte(r.bodies[0]), &back); err != nil {
		t.Fatal(err)
	}
	m.Dashboard = "https://d"
	if d := cmp.Diff(m, back); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	raw := alert.Parcel{ID: "r", Kind: alert.KindRaw, Type: "application/x-ndjson", Body: []byte("{}\n")}
	if err := s.Send(t.Context(), raw); err != nil || r.bodies[1] != "{}\n" || r.got[1].Header.Get("Content-Type") != raw.Type {
		t.Errorf("raw: %v, %q", err, r.bodies)
	}
}

// TestSlack: what a host says is in a code block that it cannot leave.
func TestSlack(t *testing.T) {
	r := newReceiver(t, false)
	s, err := NewSlack(Config{URL: r.URL})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), parcel(t, message(signal("``` <!channel> @here & <https://evil|x>", false)))); err != nil {
		t.Fatal(err)
	}
	var body struct{ Text string }
	if err := json.Unmarshal([]byte(r.bodies[0]), &body); err != nil {
		t.Fatal(err)
	}
	head, inside, _ := strings.Cut(body.Text, "```\n")
	inside, rest, _ := strings.Cut(inside, "\n```")
	if head != ":red_circle: *Seawall, high*\n" || rest != "" || strings.ContainsAny(inside, "<>`") || !strings.Contains(inside, "web-1: ʼʼʼ &lt;!channel&gt;") {
		t.Errorf("%q", body.Text)
	}
	long := message(signal(strings.Repeat("é", 140), false))
	for range 49 {
		long.Signals = append(long.Signals, long.Signals[0])
	}
	if err := s.Send(t.Context(), parcel(t, long)); err != nil || len(r.bodies[1]) > 6000 {
		t.Errorf("%d bytes, %v", len(r.bodies[1]), err)
	}
}

// TestPagerDuty: each subject has an incident of its own, which its end closes; a test
// leaves none behind.
func TestPagerDuty(t *testing.T) {
	r := newReceiver(t, false)
	r.code = http.StatusAccepted
	s, err := NewPagerDuty(Config{URL: r.URL, Secret: []byte("key"), Dashboard: "https://d"})
	if err != nil {
		t.Fatal(err)
	}
	other := signal("Other", false)
	other.Check = "other"
	test := message()
	test.Test = true
	for _, m := range []alert.Message{message(signal("Root", false), other), message(signal("Root", true)), test} {
		if err := s.Send(t.Context(), parcel(t, m)); err != nil {
			t.Fatal(err)
		}
	}
	type event struct {
		Key    string `json:"routing_key"`
		Action string `json:"event_action"`
		Dedup  string `json:"dedup_key"`
		URL    string `json:"client_url"`
		Load   struct{ Summary, Severity, Source, Timestamp string }
	}
	var events []event
	for _, b := range r.bodies {
		var e struct {
			event
			Payload struct{ Summary, Severity, Source, Timestamp string }
		}
		if err := json.Unmarshal([]byte(b), &e); err != nil {
			t.Fatal(err)
		}
		e.Load = e.Payload
		events = append(events, e.event)
	}
	if len(events) != 5 {
		t.Fatalf("%d events", len(events))
	}
	var actions []string
	for _, e := range events {
		actions = append(actions, e.Action)
		if e.Key != "key" || !strings.HasPrefix(e.Dedup, "seawall-") {
			t.Errorf("event %+v", e)
		}
	}
	if d := cmp.Diff([]string{"trigger", "trigger", "resolve", "trigger", "resolve"}, actions); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if events[0].Dedup != events[2].Dedup || events[0].Dedup == events[1].Dedup || events[3].Dedup != events[4].Dedup {
		t.Errorf("keys %+v", events)
	}
	if l := events[0].Load; l.Summary != "web-1: Root" || l.Severity != "error" || l.Source != "web-1" || l.Timestamp != "2027-01-15T08:00:00.000Z" || events[0].URL != "https://d/hosts/h" {
		t.Errorf("event %+v", events[0])
	}
}

// TestAnswers: which are final, which are not, and when to come again; no secret is in
// an error.
func TestAnswers(t *testing.T) {
	elsewhere := newReceiver(t, false)
	for _, tt := range []struct {
		code  int
		say   string
		head  map[string]string
		ok    bool
		final bool
		after time.Duration
		want  string
	}{
		{code: 200, ok: true},
		{code: 204, ok: true},
		{code: 302, head: map[string]string{"Location": elsewhere.URL}, final: true, want: "redirects are not followed"},
		{code: 400, say: "invalid\x1b[31m_payload", final: true, want: `400 Bad Request: invalid\x1b[31m_payload`},
		{code: 404, say: "no /secret/path here", final: true, want: "404 Not Found: "},
		{code: 429, head: map[string]string{"Retry-After": "120"}, after: 2 * time.Minute, want: "429"},
		{code: 503, head: map[string]string{"Retry-After": "99999999999"}, want: "503"},
		{code: 503, head: map[string]string{"Retry-After": "100000"}, after: time.Hour, want: "503"},
		{code: 500, say: strings.Repeat("x", 1<<20), want: "500"},
	} {
		r := newReceiver(t, false)
		r.code, r.say, r.head = tt.code, tt.say, tt.head
		s, err := NewSlack(Config{URL: r.URL + "/secret/path"})
		if err != nil {
			t.Fatal(err)
		}
		err = s.Send(t.Context(), parcel(t, message(signal("x", false))))
		var busy *alert.Busy
		if (err == nil) != tt.ok || errors.Is(err, alert.ErrRefused) != tt.final || errors.As(err, &busy) && busy.After != min(tt.after, time.Hour) && tt.after != 0 || tt.after != 0 && busy == nil {
			t.Errorf("%d: %v", tt.code, err)
		}
		if err != nil && (!strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "/secret/path") || len(err.Error()) > 400) {
			t.Errorf("%d: %q", tt.code, err)
		}
	}
	if len(elsewhere.got) != 0 {
		t.Error("a redirect was followed")
	}
	for name, url := range map[string]string{"nobody": "http://127.0.0.1:1/secret/path", "metadata": "http://169.254.169.254/secret/path"} {
		s, err := NewWebhook(Config{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		err = s.Send(t.Context(), parcel(t, message()))
		if err == nil || strings.Contains(err.Error(), "secret") || errors.Is(err, alert.ErrRefused) != (name == "metadata") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, url := range []string{"", "ftp://x/", "https:///x", "https://\x00"} {
		if _, err := NewWebhook(Config{URL: url}); err == nil {
			t.Errorf("%q is taken", url)
		}
	}
}

// TestSecretsRepeated: a receiver that repeats a part of a secret is not quoted.
func TestSecretsRepeated(t *testing.T) {
	r := newReceiver(t, false)
	r.code = http.StatusBadRequest
	c := Config{URL: r.URL + "/services/T00/xoxSECRETpath?token=SECRETquery%21x", Secret: []byte("SECRETsigning"), Headers: map[string]string{"Authorization": "Bearer SECRETheader", "X-Team": "ops"}}
	c.URL = strings.Replace(c.URL, "http://", "http://someone:SECRETuser@", 1)
	for _, say := range []string{"no token SECRETquery!x here", "SECRETquery%21x", "xoxSECRETpath is revoked", `no \/services\/T00\/xoxSECRETpath`, "token SECRETheader has expired", "SECRETuser?",
		"signed with SECRETsigning", base64.StdEncoding.EncodeToString(c.Secret)} {
		r.say = say
		s, err := NewWebhook(c)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Send(t.Context(), parcel(t, message())); err == nil || err.Error() != "400 Bad Request: the receiver refused it" {
			t.Errorf("%q: %v", say, err)
		}
	}
	r.say = "the field x is missing"
	s, err := NewWebhook(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), parcel(t, message())); err == nil || !strings.Contains(err.Error(), "the field x is missing") {
		t.Errorf("what repeats no secret is not quoted: %v", err)
	}
}

// TestKinds: a route takes what it can say, and refuses the rest.
func TestKinds(t *testing.T) {
	r := newReceiver(t, false)
	s, err := NewOTLP(Config{URL: r.URL})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), parcel(t, message())); !errors.Is(err, alert.ErrRefused) {
		t.Errorf("OTLP takes a message: %v", err)
	}
	body := []byte{0x0a, 0, 0xff}
	if err := s.Send(t.Context(), alert.Parcel{Kind: alert.KindRaw, Type: "application/x-protobuf", Body: body}); err != nil || !bytes.Equal([]byte(r.bodies[0]), body) {
		t.Errorf("%v, %q", err, r.bodies)
	}
	for _, mk := range []func(Config) (*Sender, error){NewSlack, NewPagerDuty} {
		s, err := mk(Config{URL: r.URL, Secret: []byte("k")})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []alert.Parcel{{Kind: alert.KindRaw, Body: body}, {Kind: alert.KindMessage, Body: body}} {
			if err := s.Send(t.Context(), p); !errors.Is(err, alert.ErrRefused) {
				t.Errorf("%s %q: %v", p.Kind, p.Body, err)
			}
		}
	}
}
