package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/hex"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"seawall/pkg/finding"
	"seawall/pkg/wire"
	seawallv1 "seawall/proto/seawall/v1"
)

// uplink is a host that sends changes numbered without end, and after each loss of
// the stream goes on after what the collector says it has.
type uplink struct {
	config *tls.Config
	acked  atomic.Uint64
}

func newUplink(t *testing.T) *uplink {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	return &uplink{config: &tls.Config{
		Certificates:       []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}},
		InsecureSkipVerify: true,
	}}
}

// deliver sends until the stream ends.
func (u *uplink) deliver(ctx context.Context, at connection) error {
	config := u.config.Clone()
	config.VerifyConnection = func(s tls.ConnectionState) error {
		sum := sha256.Sum256(s.PeerCertificates[0].RawSubjectPublicKeyInfo)
		if pin := "sha256:" + hex.EncodeToString(sum[:]); pin != at.Pin {
			return fmt.Errorf("pin %s, want %s", pin, at.Pin)
		}
		return nil
	}
	conn, err := grpc.NewClient(at.Ingest, grpc.WithTransportCredentials(credentials.NewTLS(config)))
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
		Hello: &seawallv1.Hello{Protocol: 1}}}); err != nil {
		return err
	}
	first, err := stream.Recv()
	if err != nil {
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
		b := &seawallv1.Batch{Lane: "posture", Epoch: 42}
		for range 10 {
			payload, err := numbered(next)
			if err != nil {
				return err
			}
			b.Entries = append(b.Entries, &seawallv1.Entry{Sequence: next, Payload: payload})
			next++
		}
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
	u := newUplink(t)
	for range rounds {
		p := startProgram(t, folder)
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
	db, err := sql.Open("sqlite", filepath.Join(folder, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var n, distinct, first, last, rejected uint64
	if err := db.QueryRowContext(t.Context(), "SELECT count(*), count(DISTINCT seq), min(seq), max(seq), (SELECT count(*) FROM rejected) FROM event").
		Scan(&n, &distinct, &first, &last, &rejected); err != nil {
		t.Fatal(err)
	}
	if n != distinct || first != 1 || last != n || n < u.acked.Load() || rejected != 0 {
		t.Errorf("%d events, %d distinct, %d to %d; %d acknowledged; %d rejected", n, distinct, first, last, u.acked.Load(), rejected)
	}
	t.Logf("%d records over %d kills", n, rounds)
}
