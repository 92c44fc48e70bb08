package host

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"seawall/pkg/token"
	"seawall/pkg/trust"
	seawallv1 "seawall/proto/seawall/v1"
)

// Identity is what a host keeps: who it is, and where its spool stands.
type Identity struct {
	Number      int      `json:"number"` // of the host among the simulated; its address follows from it
	ID          string   `json:"id"`     // the collector's, 32 hexadecimal digits
	Key         []byte   `json:"key"`    // PKCS #8
	Chain       [][]byte `json:"chain"`
	Revision    uint64   `json:"revision"` // of the bundle
	Authorities [][]byte `json:"authorities"`
	Session     uint64   `json:"session"`
	Epoch       uint64   `json:"epoch"`
	Made        uint64   `json:"made"`  // the newest record
	Acked       uint64   `json:"acked"` // the newest that the collector has
}

// Source is the address that the host's connections come from: each has its own,
// so that neither ports nor what the collector allows one address bound the fleet.
func (id *Identity) Source() netip.Addr {
	n := id.Number
	return netip.AddrFrom4([4]byte{127, byte(1 + n/62500), byte(n / 250 % 250), byte(2 + n%250)})
}

// NewIdentity returns one with a key, to be enrolled.
func NewIdentity(number int) (*Identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	id := &Identity{Number: number, Epoch: uint64(time.Now().UnixNano())}
	id.Key, err = x509.MarshalPKCS8PrivateKey(key)
	return id, err
}

// Enrol asks the collector for the identity that the token gets. It may be repeated.
func (id *Identity) Enrol(ctx context.Context, address string, t token.Token) error {
	key, err := x509.ParsePKCS8PrivateKey(id.Key)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("load-%05d", id.Number)
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}, key)
	if err != nil {
		return err
	}
	conn, err := dial(address, dialer(id.Source()), &tls.Config{
		MinVersion: tls.VersionTLS13, ServerName: trust.CollectorName,
		InsecureSkipVerify: true, // the token's pin verifies
		VerifyConnection: func(s tls.ConnectionState) error {
			return t.Pin.VerifyCollector(s.PeerCertificates, time.Now())
		},
	})
	if err != nil {
		return err
	}
	defer conn.Close()
	answer, err := seawallv1.NewEnrolmentServiceClient(conn).Enrol(ctx, &seawallv1.EnrolRequest{
		TokenId: t.ID[:], TokenSecret: t.Secret[:], SigningRequest: request, AgentVersion: "load",
		Machine: &seawallv1.Machine{HostName: name, DropletId: fmt.Sprint(1_000_000 + id.Number)},
	})
	if err != nil {
		return fmt.Errorf("enrol: %w", err)
	}
	c := answer.GetCredentials()
	if c == nil || len(c.GetHostId()) != 16 {
		return fmt.Errorf("enrol: no credentials: %v", answer.GetPending())
	}
	id.ID, id.Chain = hex.EncodeToString(c.GetHostId()), c.GetChain()
	id.Revision, id.Authorities = c.GetBundle().GetRevision(), c.GetBundle().GetAuthorities()
	return nil
}

// tls returns the configuration of the host's connections.
func (id *Identity) tls() (*tls.Config, error) {
	key, err := x509.ParsePKCS8PrivateKey(id.Key)
	if err != nil {
		return nil, fmt.Errorf("key of host %d: %w", id.Number, err)
	}
	bundle, err := trust.ParseBundle(id.Revision, id.Authorities)
	if err != nil {
		return nil, fmt.Errorf("bundle of host %d: %w", id.Number, err)
	}
	if len(id.Chain) == 0 {
		return nil, errors.New("no certificate")
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, ServerName: trust.CollectorName,
		Certificates:       []tls.Certificate{{Certificate: id.Chain, PrivateKey: key}},
		InsecureSkipVerify: true, // the bundle verifies
		VerifyConnection: func(s tls.ConnectionState) error {
			return bundle.VerifyCollector(s.PeerCertificates, time.Now())
		},
	}, nil
}

// dialer dials from an address.
func dialer(from netip.Addr) func(context.Context, string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout, LocalAddr: &net.TCPAddr{IP: from.AsSlice()}}
	return func(ctx context.Context, addr string) (net.Conn, error) { return d.DialContext(ctx, "tcp", addr) }
}

// dial returns a connection with the small buffers that thousands of them need.
func dial(address string, open func(context.Context, string) (net.Conn, error), c *tls.Config) (*grpc.ClientConn, error) {
	conn, err := grpc.NewClient("passthrough:///"+address,
		grpc.WithTransportCredentials(credentials.NewTLS(c)),
		grpc.WithContextDialer(open),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: dialTimeout}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveTime, Timeout: keepaliveTimeout}),
		grpc.WithReadBufferSize(2<<10),
		grpc.WithWriteBufferSize(8<<10),
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableRetry())
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return conn, nil
}
