package enrol

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"seawall/collector/fleet"
	"seawall/collector/roster"
	"seawall/pkg/text"
	seawallv1 "seawall/proto/seawall/v1"
)

// application is one host's request to be admitted.
type application struct {
	from     netip.Addr
	token    string       // whose secret it knows, or ""
	original fleet.HostID // whose certificate and key it has, or ""
	key      *ecdsa.PublicKey
	hash     fleet.KeyHash
	machine  fleet.Machine
	// news reports whether the token's use is worth an alarm; asked twice, it says
	// the same.
	news func() bool
}

// connection returns what the connection proved, and where it comes from.
func connection(ctx context.Context) (tls.ConnectionState, netip.Addr, error) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return tls.ConnectionState{}, netip.Addr{}, status.Error(codes.Unauthenticated, "no peer")
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok {
		return tls.ConnectionState{}, netip.Addr{}, status.Error(codes.Unauthenticated, "no TLS")
	}
	from := netip.Addr{}
	if tcp, ok := p.Addr.(*net.TCPAddr); ok {
		from = tcp.AddrPort().Addr().Unmap().WithZone("")
	}
	return info.State, from, nil
}

// authenticate returns who asks, as far as that can be proved without a look at the
// disk or a signature. It reads nothing else of the request.
func (s *Service) authenticate(ctx context.Context, request *seawallv1.EnrolRequest) (*application, error) {
	state, from, err := connection(ctx)
	if err != nil {
		return nil, err
	}
	a := &application{from: from}
	if len(request.GetTokenId())+len(request.GetTokenSecret()) > 0 {
		t, ok := s.tokens.verify(request.GetTokenId(), request.GetTokenSecret())
		if !ok || ended(t, s.cfg.Now()) {
			// Who has the secret of a token that has ended may be a member that asks
			// again; that is for the disk to say, so it is held to the same budget.
			if err := s.limits.stranger(from); err != nil {
				return nil, err
			}
		}
		if !ok && s.cfg.Shared {
			// Also for a wrong secret: what is answered, and when, tells nothing.
			if err := s.learn(ctx, request.GetTokenId()); err != nil {
				return nil, s.unavailable(err)
			}
			t, ok = s.tokens.verify(request.GetTokenId(), request.GetTokenSecret())
		}
		if !ok {
			s.limits.failed(from)
			return nil, &roster.Refused{Reason: seawallv1.Reason_REASON_TOKEN_UNKNOWN}
		}
		a.token = t.ID
	}
	a.original, err = s.bearer(ctx, state)
	if err != nil && a.token == "" {
		return nil, s.unproven(from, err)
	}
	return a, nil // with a token, who it is a copy of is of interest, and decides nothing
}

// unproven counts a failure and returns what is answered: why, unless there were
// too many. A certificate is verified before, which costs no more than the handshake
// did: else strangers could keep the members of one NAT, or all, from renewing.
func (s *Service) unproven(from netip.Addr, why error) error {
	if err := s.limits.stranger(from); err != nil {
		return err
	}
	s.limits.failed(from)
	return why
}

// bearer returns the member whose certificate the connection has, valid or expired
// not too long ago, and that may deliver. One that is not valid yet says that this
// machine's clock was set back, which is no reason to send a host away.
func (s *Service) bearer(ctx context.Context, state tls.ConnectionState) (fleet.HostID, error) {
	chain := state.PeerCertificates
	if len(chain) == 0 {
		return "", &roster.Refused{Reason: seawallv1.Reason_REASON_HOST_UNKNOWN}
	}
	now := s.cfg.Now()
	expired := now.After(chain[0].NotAfter)
	at := now
	if expired {
		at = chain[0].NotAfter
	} else if now.Before(chain[0].NotBefore) {
		at = chain[0].NotBefore
	}
	host, err := s.cfg.Authority.VerifyHost(chain, at)
	if err != nil && s.cfg.Look(ctx) {
		host, err = s.cfg.Authority.VerifyHost(chain, at)
	}
	if err != nil {
		return "", &roster.Refused{Reason: seawallv1.Reason_REASON_HOST_UNKNOWN}
	}
	m, err := s.cfg.Roster.Find(ctx, host)
	if err != nil {
		return "", s.unavailable(err)
	}
	if err := roster.Allows(&m, roster.KeyOf(chain[0])); err != nil {
		return "", err
	}
	if expired && now.Sub(chain[0].NotAfter) > Recovery {
		return "", &roster.Refused{Reason: seawallv1.Reason_REASON_TOO_LATE}
	}
	return host, nil
}

// The bounds of what a host says of itself.
const (
	maxRequest  = 2 << 10
	maxHostName = 253
	maxLabel    = 128
)

// read takes key and labels from a request. Nothing of the signing request counts
// but that its maker holds the key.
func (a *application) read(request *seawallv1.EnrolRequest) error {
	der := request.GetSigningRequest()
	if len(der) == 0 || len(der) > maxRequest {
		return fmt.Errorf("a signing request of %d bytes, not 1 to %d", len(der), maxRequest)
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return errors.New("not a signing request")
	}
	key, ok := csr.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return errors.New("the signing request's key is not on P-256")
	}
	if csr.CheckSignature() != nil {
		return errors.New("the signing request's signature is not by its key")
	}
	a.key, a.hash = key, sha256.Sum256(csr.RawSubjectPublicKeyInfo)
	// A key has one encoding, or one host could be many.
	if canonical, err := x509.MarshalPKIXPublicKey(key); err != nil || sha256.Sum256(canonical) != a.hash {
		return errors.New("the signing request's key is encoded in an unusual way")
	}
	m := request.GetMachine()
	a.machine = fleet.Machine{
		HostName:    text.Clean(m.GetHostName(), maxHostName),
		DropletID:   text.Clean(m.GetDropletId(), maxLabel),
		MachineID:   text.Clean(m.GetMachineId(), maxLabel),
		ProductUUID: text.Clean(m.GetProductUuid(), maxLabel),
	}
	return nil
}
