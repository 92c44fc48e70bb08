package enrol

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"seawall/agent/machine"
	"seawall/pkg/trust"
	seawallv1 "seawall/proto/seawall/v1"
)

// admit answers every call with one host.
func admit(*collector, int, call) (any, error) { return hostOf("a"), nil }

func TestEnrol(t *testing.T) {
	clk := newClock()
	c := newCollector(t, clk.Now, admit)
	h := newHost(t, c, clk)
	tok := h.put(c.authority.Pin())
	e := h.ensure(t.Context())
	if s := e.State(); s.Phase != Enrolled || s.Host != hostOf("a") || s.Problem != "" {
		t.Errorf("%+v", s)
	}
	asked := c.asked()
	if len(asked) != 1 || string(asked[0].request.GetTokenSecret()) != string(tok.Secret[:]) ||
		asked[0].request.GetMachine().GetDropletId() != "1" || asked[0].request.GetAgentVersion() != "v1" {
		t.Errorf("asked %v", asked)
	}
	if _, err := os.Lstat(h.cfg.TokenFile); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the token is still there: %v", err)
	}
	// Nothing that is written has the secret.
	entries, err := os.ReadDir(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	texts := h.log.String()
	for _, entry := range entries {
		b, err := os.ReadFile(filepath.Join(h.dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		texts += string(b)
	}
	if text := tok.Text(); strings.Contains(texts, text[len("seawall1_")+12:][:16]) {
		t.Error("a file or the log has the token's secret")
	}
	// Once is enough.
	h.ensure(t.Context())
	if n := len(c.asked()); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

// TestLostAnswer cuts the connection behind the request: the same key asks again.
func TestLostAnswer(t *testing.T) {
	clk := newClock()
	c := newCollector(t, clk.Now, func(_ *collector, n int, _ call) (any, error) {
		if n < 3 {
			return nil, status.Error(codes.Unavailable, "cut")
		}
		return hostOf("a"), nil
	})
	h := newHost(t, c, clk)
	h.put(c.authority.Pin())
	// The program is killed in between, too.
	if err := h.start().Ensure(h.ended(2)); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	h.onWait = nil
	h.ensure(t.Context())
	asked := c.asked()
	if len(asked) != 4 {
		t.Fatalf("asked %d times", len(asked))
	}
	for _, one := range asked {
		if one.key != asked[0].key || string(one.request.GetTokenId()) != string(asked[0].request.GetTokenId()) {
			t.Error("asked with another key or token")
		}
	}
}

// TestWrongPin checks that nobody but the holder of the pinned key is told
// anything.
func TestWrongPin(t *testing.T) {
	clk := newClock()
	c := newCollector(t, clk.Now, admit)
	h := newHost(t, c, clk)
	h.put(trust.Pin{1, 2, 3})
	e := h.start()
	if err := e.Ensure(h.ended(3)); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if n := len(c.asked()); n != 0 {
		t.Errorf("asked %d times", n)
	}
	if s := e.State(); s.Phase != Trying || !strings.Contains(s.Problem, "pin") {
		t.Errorf("%+v", s)
	}
	if _, err := os.Lstat(h.cfg.TokenFile); err != nil {
		t.Error("the token is gone")
	}
}

// TestWrongClock checks that the clock is named when it is at fault.
func TestWrongClock(t *testing.T) {
	theirs, ours := newClock(), newClock()
	c := newCollector(t, theirs.Now, admit)
	ours.now = time.Unix(0, 0)
	h := newHost(t, c, ours)
	h.put(c.authority.Pin())
	e := h.start()
	if err := e.Ensure(h.ended(1)); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if s := e.State(); !strings.Contains(s.Problem, "clock") || !strings.Contains(s.Problem, "1970") {
		t.Errorf("%+v", s)
	}
}

// TestTokenRefused waits for another token, and asks nothing meanwhile.
func TestTokenRefused(t *testing.T) {
	for _, reason := range []seawallv1.Reason{
		seawallv1.Reason_REASON_TOKEN_UNKNOWN, seawallv1.Reason_REASON_TOKEN_EXPIRED, seawallv1.Reason_REASON_TOKEN_USED_UP,
		seawallv1.Reason_REASON_TOKEN_REVOKED, seawallv1.Reason_REASON_TOKEN_SCOPE,
	} {
		clk := newClock()
		c := newCollector(t, clk.Now, func(_ *collector, n int, _ call) (any, error) {
			if n == 0 {
				return nil, refuse(reason)
			}
			return hostOf("a"), nil
		})
		h := newHost(t, c, clk)
		h.put(c.authority.Pin())
		e := h.start()
		if err := e.Ensure(h.ended(1_000)); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		s := e.State()
		if n := len(c.asked()); n != 1 || s.Phase != Refused || !strings.Contains(s.Problem, Word(reason)) || !strings.Contains(s.Problem, "token create") {
			t.Errorf("%v: asked %d times, %+v", reason, n, s)
		}
		if n := strings.Count(h.log.String(), "level=ERROR"); n != 1 {
			t.Errorf("%v: %d errors in the log:\n%s", reason, n, h.log)
		}
		h.onWait = func(n int) {
			if n == 1_010 {
				h.put(c.authority.Pin())
			}
		}
		if err := e.Ensure(t.Context()); err != nil || e.State().Phase != Enrolled {
			t.Errorf("%v: with another token: %v, %+v", reason, err, e.State())
		}
	}
}

// TestAttended returns to a person what a person must mend.
func TestAttended(t *testing.T) {
	clk := newClock()
	c := newCollector(t, clk.Now, func(*collector, int, call) (any, error) { return nil, refuse(seawallv1.Reason_REASON_TOKEN_EXPIRED) })
	h := newHost(t, c, clk)
	h.cfg.Attended = true
	var p *Problem
	if err := h.start().Ensure(t.Context()); !errors.As(err, &p) || !errors.Is(err, errNoToken) {
		t.Errorf("without a token: %v", err)
	}
	h.put(c.authority.Pin())
	if err := h.start().Ensure(t.Context()); !errors.As(err, &p) || p.Reason != seawallv1.Reason_REASON_TOKEN_EXPIRED {
		t.Errorf("expired: %v", err)
	}
	if err := os.Chmod(h.cfg.TokenFile, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := h.start().Ensure(t.Context()); !errors.As(err, &p) || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("open to others: %v", err)
	}
}

// TestWaitsForToken says once that it waits, and takes a token that comes.
func TestWaitsForToken(t *testing.T) {
	clk := newClock()
	c := newCollector(t, clk.Now, admit)
	h := newHost(t, c, clk)
	h.onWait = func(n int) {
		switch n {
		case 5:
			if err := os.WriteFile(h.cfg.TokenFile, []byte("half of it"), 0o600); err != nil {
				t.Error(err)
			}
		case 10:
			h.put(c.authority.Pin())
		}
	}
	h.ensure(t.Context())
	if n := strings.Count(h.log.String(), "waiting for a token"); n != 1 {
		t.Errorf("said %d times:\n%s", n, h.log)
	}
}

// TestApproval polls as often as it was told, with jitter, and with the same key.
func TestApproval(t *testing.T) {
	clk := newClock()
	c := newCollector(t, clk.Now, func(_ *collector, n int, _ call) (any, error) {
		if n < 20 {
			return &seawallv1.Pending{RetryWithinMs: 60_000}, nil
		}
		return hostOf("a"), nil
	})
	h := newHost(t, c, clk)
	h.put(c.authority.Pin())
	began := clk.Now()
	var phases []Phase
	h.cfg.OnChange = func(s State) {
		phases = append(phases, s.Phase)
		if s.Phase == Pending && !strings.Contains(s.Problem, "host approve "+s.Key) {
			t.Errorf("%+v", s)
		}
	}
	h.ensure(t.Context())
	if took := clk.Now().Sub(began); took < 20*30*time.Second || took > 20*60*time.Second {
		t.Errorf("20 polls took %v", took)
	}
	if len(phases) != 2 || phases[0] != Pending || phases[1] != Enrolled {
		t.Errorf("phases %v", phases)
	}
	asked := c.asked()
	if asked[0].key != asked[20].key {
		t.Error("another key")
	}
}

// TestRejected goes on asking rarely.
func TestRejected(t *testing.T) {
	clk := newClock()
	c := newCollector(t, clk.Now, func(*collector, int, call) (any, error) { return nil, refuse(seawallv1.Reason_REASON_REJECTED) })
	h := newHost(t, c, clk)
	h.put(c.authority.Pin())
	e := h.start()
	ctx := h.ended(1 << 30)
	h.onWait = nil
	began := clk.Now()
	ctx, cancel := context.WithCancel(ctx)
	h.onWait = func(int) {
		if clk.Now().Sub(began) > 24*time.Hour {
			cancel()
		}
	}
	if err := e.Ensure(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if n := len(c.asked()); n < 24*4 || n > 24*12 {
		t.Errorf("asked %d times in a day", n)
	}
}

// TestNetworkBackoff tries again with jitter below the cap while nobody listens.
func TestNetworkBackoff(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	clk := newClock()
	h := newHost(t, nil, clk)
	h.cfg.Collector = l.Addr().String()
	l.Close()
	h.put(trust.Pin{})
	e := h.start()
	began := clk.Now()
	if err := e.Ensure(h.ended(300)); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if took := clk.Now().Sub(began); took > 300*tokenPoll {
		t.Errorf("300 waits took %v", took)
	}
	if n := strings.Count(h.log.String(), "level=WARN"); n > 2 {
		t.Errorf("%d warnings:\n%s", n, h.log)
	}
}

// TestHostileAnswers gives what no collector sends: none of it is kept.
func TestHostileAnswers(t *testing.T) {
	clk := newClock()
	answers := []*seawallv1.EnrolResponse{
		{},
		{Result: &seawallv1.EnrolResponse_Credentials{}},
		{Result: &seawallv1.EnrolResponse_Credentials{Credentials: &seawallv1.Credentials{}}},
		{Result: &seawallv1.EnrolResponse_Credentials{Credentials: &seawallv1.Credentials{HostId: make([]byte, 16), Chain: [][]byte{make([]byte, 5000)}}}},
		{Result: &seawallv1.EnrolResponse_Credentials{Credentials: &seawallv1.Credentials{HostId: make([]byte, 16), Chain: make([][]byte, 100), Bundle: &seawallv1.Bundle{Authorities: make([][]byte, 100)}}}},
		{Result: &seawallv1.EnrolResponse_Pending{Pending: &seawallv1.Pending{RetryWithinMs: 0}}},
		{Result: &seawallv1.EnrolResponse_Pending{Pending: &seawallv1.Pending{RetryWithinMs: 1<<32 - 1}}},
	}
	for i, answer := range answers {
		h := newHost(t, nil, clk)
		e := h.start()
		err := error(nil)
		if p := answer.GetPending(); p != nil {
			pause := e.judge(&pending{time.Duration(p.GetRetryWithinMs()) * time.Millisecond}, 0)
			if pause < pendingLeast/2 || pause > pendingMost {
				t.Errorf("answer %d: a pause of %v", i, pause)
			}
			continue
		}
		if err = e.adopt("id", answer.GetCredentials()); err == nil || h.cfg.Identity.Enrolled() {
			t.Errorf("answer %d: taken, %v", i, err)
		}
	}
}

// TestHostileServer answers the connection with bytes that are not TLS, and with
// nothing at all.
func TestHostileServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, strings.Repeat("HTTP/1.1 200 OK\r\n", 100))
			conn.Close()
		}
	}()
	clk := newClock()
	h := newHost(t, nil, clk)
	h.cfg.Collector = l.Addr().String()
	h.put(trust.Pin{})
	e := h.start()
	if err := e.Ensure(h.ended(3)); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if s := e.State(); s.Phase != Trying || len(s.Problem) > 4*maxMessage || strings.Contains(s.Problem, "\n") {
		t.Errorf("%+v", s)
	}
}

// TestKeepToken leaves the token of an image, and a token that was not needed.
func TestKeepToken(t *testing.T) {
	clk := newClock()
	c := newCollector(t, clk.Now, admit)
	h := newHost(t, c, clk)
	h.cfg.KeepToken = true
	h.put(c.authority.Pin())
	h.ensure(t.Context())
	if _, err := os.Lstat(h.cfg.TokenFile); err != nil {
		t.Error(err)
	}
	h.cfg.KeepToken = false
	h.put(c.authority.Pin()) // another one
	h.ensure(t.Context())
	if _, err := os.Lstat(h.cfg.TokenFile); err != nil {
		t.Error("a token that was not used was removed")
	}
}

// TestTokenNotRemoved tells a person, once, and tries again.
func TestTokenNotRemoved(t *testing.T) {
	clk := newClock()
	c := newCollector(t, clk.Now, admit)
	h := newHost(t, c, clk)
	tok := h.put(c.authority.Pin())
	h.ensure(t.Context())
	if err := os.WriteFile(h.cfg.TokenFile, []byte(tok.Text()), 0o644); err != nil { // which is not private
		t.Fatal(err)
	}
	e := h.start()
	for range 3 {
		e.clean()
	}
	if n := strings.Count(h.log.String(), "used token not removed"); n != 1 {
		t.Errorf("told %d times:\n%s", n, h.log)
	}
	if err := os.Chmod(h.cfg.TokenFile, 0o600); err != nil {
		t.Fatal(err)
	}
	e.clean()
	if _, err := os.Lstat(h.cfg.TokenFile); !errors.Is(err, fs.ErrNotExist) {
		t.Error("not removed when it could be")
	}
}

// TestClone copies the state directory to another machine: it never uses the
// original's identity to deliver, and asks for its own with it.
func TestClone(t *testing.T) {
	clk := newClock()
	c := newCollector(t, clk.Now, func(_ *collector, n int, asked call) (any, error) {
		switch {
		case n == 0:
			return hostOf("a"), nil
		case asked.request == nil:
			return nil, refuse(seawallv1.Reason_REASON_REJECTED)
		case n < 4:
			return &seawallv1.Pending{RetryWithinMs: 1000}, nil
		}
		return hostOf("b"), nil
	})
	h := newHost(t, c, clk)
	h.put(c.authority.Pin())
	h.ensure(t.Context())
	h.here = machine.Machine{HostName: "h", DropletID: "2", MachineID: "aa"}
	e := h.start()
	if err := e.Prepare(t.Context()); !errors.Is(err, ErrAnew) {
		t.Errorf("connects under the original's identity: %v", err)
	}
	var copyOf string
	h.cfg.OnChange = func(s State) {
		if s.Phase == Pending {
			copyOf = s.CopyOf
		}
	}
	e = h.ensure(t.Context())
	asked := c.asked()
	if len(asked) != 5 || h.cfg.Identity.Host() != hostOf("b") || copyOf != hostOf("a") || e.State().CopyOf != "" {
		t.Errorf("asked %d times, is %s, copy of %q, %+v", len(asked), h.cfg.Identity.Host(), copyOf, e.State())
	}
	for _, one := range asked[1:] {
		if one.from != hostOf("a") || one.key == asked[0].key || one.key != asked[1].key || len(one.request.GetTokenSecret()) != 0 {
			t.Errorf("the copy asked as %+v", one)
		}
	}
	if _, err := h.cfg.Identity.Original(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the original's identity is still there: %v", err)
	}
}

// TestCloneWithToken uses the token of the image, and shows the original's
// certificate with it, since some tokens are for copies alone.
func TestCloneWithToken(t *testing.T) {
	clk := newClock()
	c := newCollector(t, clk.Now, func(_ *collector, n int, _ call) (any, error) { return hostOf(string("ab"[n])), nil })
	h := newHost(t, c, clk)
	h.cfg.KeepToken = true
	tok := h.put(c.authority.Pin())
	h.ensure(t.Context())
	h.here.DropletID = "2"
	h.ensure(t.Context())
	asked := c.asked()
	if len(asked) != 2 || asked[1].from != hostOf("a") || string(asked[1].request.GetTokenSecret()) != string(tok.Secret[:]) || asked[1].key == asked[0].key {
		t.Errorf("asked %+v", asked)
	}
}

// TestCloneOfTheNew makes a new key for a copy of a host that was not enrolled: or
// two would be one.
func TestCloneOfTheNew(t *testing.T) {
	clk := newClock()
	h := newHost(t, nil, clk)
	h.cfg.Collector = "127.0.0.1:1"
	if err := h.start().Ensure(h.ended(1)); err == nil {
		t.Fatal("enrolled")
	}
	key := h.cfg.Identity.KeyID()
	h.here.DropletID = "2"
	if err := h.start().Ensure(h.ended(1)); err == nil || h.cfg.Identity.KeyID() == key {
		t.Error("two machines have one key")
	}
	if _, err := h.cfg.Identity.Original(); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// TestLearns seals what is known later, without becoming another host.
func TestLearns(t *testing.T) {
	clk := newClock()
	c := newCollector(t, clk.Now, admit)
	h := newHost(t, c, clk)
	h.here = machine.Machine{MachineID: "aa"}
	h.cfg.Machine = func() (machine.Machine, error) { return h.here, errors.New("the sensor said nothing yet") }
	h.put(c.authority.Pin())
	h.ensure(t.Context())
	if n := len(h.waits); n != machineWait {
		t.Errorf("waited %d times for the sensor", n)
	}
	h.waits = nil
	h.ensure(t.Context())
	if len(h.waits) != 0 {
		t.Error("waits for what was never known")
	}
	h.here = machine.Machine{MachineID: "aa", DropletID: "1", ProductUUID: "bb"}
	h.ensure(t.Context())
	if got := h.cfg.Identity.Machine(); got != h.here {
		t.Errorf("sealed %+v", got)
	}
	if n := len(c.asked()); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestExpiryIsTellable(t *testing.T) {
	theirs, ours := newClock(), newClock()
	c := newCollector(t, theirs.Now, admit)
	ours.advance(200 * 24 * time.Hour)
	h := newHost(t, c, ours)
	tok := h.put(c.authority.Pin())
	var invalid x509.CertificateInvalidError
	if err := h.start().byToken(t.Context(), tok, nil); !errors.As(err, &invalid) || invalid.Reason != x509.Expired {
		t.Errorf("%v", err)
	}
}
