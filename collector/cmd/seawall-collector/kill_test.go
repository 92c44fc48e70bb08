package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"fmt"
	mathrand "math/rand/v2"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/proto"

	"seawall/collector/config"
	"seawall/pkg/finding"
	"seawall/pkg/token"
	"seawall/pkg/trust"
	"seawall/pkg/wire"
	seawallv1 "seawall/proto/seawall/v1"

	"seawall/collector/contact"
)

// uplink is a host that sends changes numbered without end, and after each loss of
// the stream goes on after what the collector says it has.
type uplink struct {
	private *ecdsa.PrivateKey
	chain   [][]byte
	session uint64
	acked   atomic.Uint64
}

// dial connects to the collector that has the pin.
func (u *uplink) dial(at contact.Contact) (*grpc.ClientConn, error) {
	pin, err := trust.ParsePin(at.Pin)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
		return pin.VerifyCollector(s.PeerCertificates, time.Now())
	}}
	if u.chain != nil {
		config.Certificates = []tls.Certificate{{Certificate: u.chain, PrivateKey: u.private}}
	}
	return grpc.NewClient(at.Ingest, grpc.WithTransportCredentials(credentials.NewTLS(config)))
}

// enrol makes u a host with the text of a token.
func (u *uplink) enrol(ctx context.Context, at contact.Contact, text string) error {
	invitation, err := token.Parse(text)
	if err != nil {
		return err
	}
	if u.private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	request := &seawallv1.EnrolRequest{TokenId: invitation.ID[:], TokenSecret: invitation.Secret[:]}
	if request.SigningRequest, err = x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, u.private); err != nil {
		return err
	}
	conn, err := u.dial(at)
	if err != nil {
		return err
	}
	defer conn.Close()
	answer, err := seawallv1.NewEnrolmentServiceClient(conn).Enrol(ctx, request)
	u.chain = answer.GetCredentials().GetChain()
	return err
}

// deliver sends until the stream ends.
func (u *uplink) deliver(ctx context.Context, at contact.Contact) error {
	conn, err := u.dial(at)
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := seawallv1.NewIngestServiceClient(conn).Deliver(ctx)
	if err != nil {
		return err
	}
	if err := stream.Send(&seawallv1.DeliverRequest{Message: &seawallv1.DeliverRequest_Hello{
		Hello: &seawallv1.Hello{Protocol: 2, Session: u.session}}}); err != nil {
		return err
	}
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	u.session = first.GetWelcome().GetSession()
	if err := stream.Send(&seawallv1.DeliverRequest{Message: &seawallv1.DeliverRequest_Confirm{
		Confirm: &seawallv1.Confirm{Session: u.session}}}); err != nil {
		return err
	}
	next := uint64(1)
	for _, p := range first.GetWelcome().GetHave() {
		if p.Sequence < u.acked.Load() {
			return fmt.Errorf("collector has %d, acknowledged %d", p.Sequence, u.acked.Load())
		}
		// Sends the last three again, as an uplink with an old cursor does.
		next = max(p.Sequence, 3) - 2
	}
	done := make(chan struct{})
	defer func() { cancel(); <-done }()
	go func() {
		defer close(done)
		for {
			r, err := stream.Recv()
			if err != nil {
				return
			}
			if n := r.GetAck().GetPosition().GetSequence(); n > u.acked.Load() {
				u.acked.Store(n)
			}
		}
	}()
	for {
		entries := &seawallv1.Entries{}
		for range 10 {
			payload, err := numbered(next)
			if err != nil {
				return err
			}
			entries.Entries = append(entries.Entries, &seawallv1.Entry{Sequence: next, Payload: payload})
			next++
		}
		data, err := proto.Marshal(entries)
		if err != nil {
			return err
		}
		b := &seawallv1.Batch{Lane: "posture", Epoch: 42, Size: uint32(len(data)), Entries: data}
		if err := stream.Send(&seawallv1.DeliverRequest{Message: &seawallv1.DeliverRequest_Batch{Batch: b}}); err != nil {
			return err
		}
	}
}

func numbered(n uint64) ([]byte, error) {
	return wire.Encode(wire.Record{Change: &finding.Change{Result: finding.Result{
		Check: "ssh-permit-root-login", Resource: fmt.Sprint(n % 50), Status: finding.Status(n%6 + 1), Actual: fmt.Sprint(n),
	}}})
}

// TestKilled kills the collector under a stream, again and again. What was
// acknowledged is there, and everything is there once.
func TestKilled(t *testing.T) {
	rounds := 25
	if testing.Short() {
		rounds = 5
	}
	folder := t.TempDir()
	u := &uplink{}
	for range rounds {
		p := startProgram(t, folder)
		if u.chain == nil {
			text, err := exec.Command("seawall-collector", "--state-dir", folder, "token", "create").Output()
			if err != nil {
				t.Fatal(err)
			}
			if err := u.enrol(t.Context(), p.at, string(text)); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- u.deliver(ctx, p.at) }()
		goal := u.acked.Load() + uint64(mathrand.IntN(60)) + 1
		if !poll(func() bool { return u.acked.Load() >= goal || len(ended) > 0 }) {
			t.Fatalf("%d acknowledged, waiting for %d", u.acked.Load(), goal)
		}
		p.kill()
		cancel()
		if err := <-ended; err == nil || u.acked.Load() < goal {
			t.Fatalf("stream ended at %d of %d: %v", u.acked.Load(), goal, err)
		}
	}
	db, err := sql.Open("sqlite", filepath.Join(folder, config.DatabaseFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var n, distinct, first, last, rejected uint64
	if err := db.QueryRowContext(t.Context(), "SELECT count(*), count(DISTINCT seq), min(seq), max(seq), (SELECT count(*) FROM rejected) FROM event WHERE lane = 'posture'").
		Scan(&n, &distinct, &first, &last, &rejected); err != nil {
		t.Fatal(err)
	}
	if n != distinct || first != 1 || last != n || n < u.acked.Load() || rejected != 0 {
		t.Errorf("%d events, %d distinct, %d to %d; %d acknowledged; %d rejected", n, distinct, first, last, u.acked.Load(), rejected)
	}
	t.Logf("%d records over %d kills", n, rounds)
}
