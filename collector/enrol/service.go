package enrol

import (
	"context"
	"crypto/ecdsa"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"seawall/collector/authority"
	"seawall/collector/fleet"
	"seawall/collector/roster"
	"seawall/collector/store/membership"
	seawallv1 "seawall/proto/seawall/v1"
)

// Recovery is how long after its end a certificate still renews itself.
const Recovery = 90 * 24 * time.Hour

const (
	retryPending = time.Minute
	// longestWait is how long a caller is held back before it is told to come later.
	longestWait = 5 * time.Second
)

// Config is what a [Service] needs. Other zero fields mean the default.
type Config struct {
	Authority *authority.Authority // must be set
	Roster    *roster.Roster       // must be set
	// Update does something in a transaction of the store, durable on return. It may
	// call the function twice. It must be set.
	Update func(context.Context, func(*membership.Tx) error) error
	// Shared says that other collectors use the database, too: a token that is not
	// known here may be one of theirs.
	Shared bool
	// Look looks whether another collector has made a new authority, and reports
	// whether to verify again what was not believed. Default: nobody has.
	Look     func(context.Context) bool
	MaxHosts int  // default 10,000
	Approve  bool // a person approves every host, also those that a token invites
	Now      func() time.Time
	Log      *slog.Logger
}

func (c *Config) complete() error {
	if c.Authority == nil || c.Roster == nil || c.Update == nil {
		return errors.New("enrol: no authority, roster or store")
	}
	if c.Look == nil {
		c.Look = func(context.Context) bool { return false }
	}
	if c.MaxHosts == 0 {
		c.MaxHosts = 10_000
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return nil
}

// Service is the enrolment service. Its methods may be called at the same time.
type Service struct {
	seawallv1.UnimplementedEnrolmentServiceServer
	cfg     Config
	tokens  *tokens
	limits  *limits
	trouble rate.Sometimes
}

// New returns a service that knows the store's tokens.
func New(ctx context.Context, c Config) (*Service, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	s := &Service{cfg: c, tokens: newTokens(), limits: newLimits(c.Now), trouble: rate.Sometimes{First: 3, Interval: 10 * time.Second}}
	err := c.Update(ctx, func(tx *membership.Tx) error {
		all, err := tx.Tokens()
		for _, t := range all {
			s.tokens.put(t)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	return s, nil
}

// Register offers the service on a server.
func (s *Service) Register(r grpc.ServiceRegistrar) { seawallv1.RegisterEnrolmentServiceServer(r, s) }

// Enrol admits a host, or says that it has to wait.
func (s *Service) Enrol(ctx context.Context, request *seawallv1.EnrolRequest) (*seawallv1.EnrolResponse, error) {
	a, err := s.apply(ctx, request)
	if err != nil {
		return nil, err
	}
	var v verdict
	err = s.cfg.Update(ctx, func(tx *membership.Tx) (err error) {
		v, err = s.decide(tx, a)
		return err
	})
	if err != nil {
		return nil, s.unavailable(err)
	}
	if v.token.ID != "" {
		s.tokens.put(v.token)
		s.tokens.usedFrom(v.token.ID, a.from)
	}
	switch {
	case v.refused != 0:
		s.limits.failed(a.from)
		s.note(v.refused.String(), a)
		return nil, &roster.Refused{Reason: v.refused}
	case v.waits:
		s.note("waits for approval", a)
		return &seawallv1.EnrolResponse{Result: &seawallv1.EnrolResponse_Pending{
			Pending: &seawallv1.Pending{RetryWithinMs: uint32(retryPending.Milliseconds())},
		}}, nil
	}
	c, err := s.welcome(ctx, v, a)
	if err != nil {
		return nil, err
	}
	return &seawallv1.EnrolResponse{Result: &seawallv1.EnrolResponse_Credentials{Credentials: c}}, nil
}

// apply returns who asks, when it is worth a transaction.
func (s *Service) apply(ctx context.Context, request *seawallv1.EnrolRequest) (*application, error) {
	a, err := s.authenticate(ctx, request)
	if err != nil {
		return nil, err
	}
	if err := s.limits.wait(ctx); err != nil {
		return nil, err
	}
	if err := a.read(request); err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	if a.original != "" && a.token == "" {
		if m, _ := s.cfg.Roster.Member(a.original); m.Key == a.hash {
			return nil, status.Error(codes.InvalidArgument, "the key is that of the certificate: renew it")
		}
	}
	a.news = sync.OnceValue(func() bool { return s.tokens.alarm(a.token, a.from) })
	return a, nil
}

// welcome makes an admitted host known, and returns what it gets.
func (s *Service) welcome(ctx context.Context, v verdict, a *application) (*seawallv1.Credentials, error) {
	s.cfg.Roster.Add(v.member)
	if v.chain == nil { // it was a member already
		var err error
		if v.chain, err = s.certify(ctx, v.member, a); err != nil {
			return nil, err
		}
	}
	s.cfg.Log.Info("host enrolled", "host", v.member.Host, "name", a.machine.HostName, "from", a.from, "token", a.token, "original", a.original)
	return s.credentials(v.member.Host, v.chain)
}

// certify gives a member a new certificate for its key.
func (s *Service) certify(ctx context.Context, m fleet.Member, a *application) ([][]byte, error) {
	chain, expires, err := s.cfg.Authority.Issue(m.Host, a.key)
	if err != nil {
		return nil, s.unavailable(err)
	}
	_, err = s.cfg.Roster.Change(ctx, m.Host, func(now *fleet.Member) error {
		if err := roster.Allows(now, a.hash); err != nil {
			return err
		}
		now.Expires = expires
		if a.token != "" {
			now.Token, now.Machine = a.token, a.machine
		}
		return nil
	})
	return chain, s.unavailable(err)
}

// Renew gives the host of the client's certificate a new one.
func (s *Service) Renew(ctx context.Context, _ *seawallv1.RenewRequest) (*seawallv1.RenewResponse, error) {
	state, from, err := connection(ctx)
	if err != nil {
		return nil, err
	}
	host, err := s.bearer(ctx, state)
	if err != nil {
		return nil, s.unproven(from, err)
	}
	if err := s.limits.renewal(host); err != nil {
		return nil, err
	}
	if err := s.limits.wait(ctx); err != nil {
		return nil, err
	}
	leaf := state.PeerCertificates[0]
	chain, expires, err := s.cfg.Authority.Issue(host, leaf.PublicKey.(*ecdsa.PublicKey))
	if err != nil {
		return nil, s.unavailable(err)
	}
	now := s.cfg.Now().UTC()
	_, err = s.cfg.Roster.Change(ctx, host, func(m *fleet.Member) error {
		if err := roster.Allows(m, roster.KeyOf(leaf)); err != nil {
			return err
		}
		// Asked again, since an answer was lost, it is not another recovery.
		if now.After(leaf.NotAfter) && now.After(m.Expires) {
			m.Recoveries++
			m.Recovered = now
		}
		m.Expires = expires
		return nil
	})
	if err != nil {
		return nil, s.unavailable(err)
	}
	c, err := s.credentials(host, chain)
	if err != nil {
		return nil, err
	}
	return &seawallv1.RenewResponse{Credentials: c}, nil
}

func (s *Service) credentials(host fleet.HostID, chain [][]byte) (*seawallv1.Credentials, error) {
	id, err := hex.DecodeString(string(host))
	if err != nil {
		return nil, s.unavailable(fmt.Errorf("host id: %w", err))
	}
	bundle, _ := s.cfg.Authority.Bundle()
	return &seawallv1.Credentials{HostId: id, Chain: chain, Bundle: &seawallv1.Bundle{Revision: bundle.Revision, Authorities: bundle.DER()}}, nil
}

// unavailable is the status of what went wrong here. A host learns nothing of it
// but that it may try again; what it must act on is passed on.
func (s *Service) unavailable(err error) error {
	var refused *roster.Refused
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return refused
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return status.FromContextError(err).Err()
	}
	s.trouble.Do(func() { s.cfg.Log.Error("host is not enrolled", "err", err) })
	return status.Error(codes.Unavailable, "the collector cannot enrol hosts now")
}

// note logs what became of a request, but not of a flood of them.
func (s *Service) note(outcome string, a *application) {
	s.trouble.Do(func() {
		s.cfg.Log.Warn("host is not enrolled", "outcome", outcome, "name", a.machine.HostName, "from", a.from,
			"token", a.token, "original", a.original, "request", hex.EncodeToString(a.hash[:8]))
	})
}
