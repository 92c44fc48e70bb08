package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"seawall/collector/authority"
	"seawall/collector/enrol"
	"seawall/collector/fleet"
	"seawall/collector/roster"
	"seawall/collector/store/membership"
	"seawall/collector/trail"
	seawallv1 "seawall/proto/seawall/v1"
)

// Config is what the service works with. All fields must be set.
type Config struct {
	Authority *authority.Authority
	Enrolment *enrol.Service
	Roster    *roster.Roster

	Members  func(context.Context) ([]fleet.Member, error)
	Tokens   func(context.Context) ([]fleet.Token, error)
	Requests func(context.Context) ([]fleet.Request, error)
	Hosts    func(context.Context) ([]fleet.Host, error) // when they were last seen
	Update   func(context.Context, func(*membership.Tx) error) error

	// Export returns what makes a file of what parameters ask for.
	Export func(v url.Values, now time.Time, sees func(fleet.HostID) bool) (name, what string, write func(context.Context, io.Writer) error, err error)
	// Exported records that somebody exports something, and may refuse it.
	Exported func(ctx context.Context, who, what string) error

	// Services are served beside it.
	Services []func(grpc.ServiceRegistrar)

	Log *slog.Logger
}

// Serve serves on l until ctx ends. It closes l.
func Serve(ctx context.Context, l net.Listener, c Config) error {
	g := grpc.NewServer(grpc.MaxRecvMsgSize(64<<10), grpc.ConnectionTimeout(10*time.Second),
		grpc.UnaryInterceptor(func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			answer, err := next(trail.As(ctx, person(ctx)), req)
			return answer, explain(err)
		}), grpc.StreamInterceptor(func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			return explain(next(srv, stream))
		}))
	seawallv1.RegisterAdminServiceServer(g, &server{cfg: c})
	for _, register := range c.Services {
		register(g)
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		g.Stop()
	}()
	err := g.Serve(l)
	if ctx.Err() == nil {
		g.Stop()
		return fmt.Errorf("serve the administrator: %w", err)
	}
	<-stopped
	return nil
}

// explain makes an error a status with its text: who asks here may know.
func explain(err error) error {
	var refused *roster.Refused
	switch {
	case err == nil:
		return nil
	case errors.Is(err, enrol.ErrNoToken) || errors.Is(err, enrol.ErrNoRequest) || errors.Is(err, errNoHost):
		return status.Error(codes.NotFound, err.Error())
	case errors.As(err, &refused):
		return refused.GRPCStatus().Err()
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	return status.Error(codes.Unknown, err.Error())
}

// server is the service.
type server struct {
	seawallv1.UnimplementedAdminServiceServer
	cfg Config
}

// did logs a change and who asked for it.
func (s *server) did(ctx context.Context, what string, more ...any) {
	s.cfg.Log.Info("changed by the administrator", append([]any{"what", what, "by", by(ctx)}, more...)...)
}

// by is who asks, by the kernel's word.
func by(ctx context.Context) string {
	if p, ok := peer.FromContext(ctx); ok {
		return p.Addr.String()
	}
	return "unknown"
}

// person is who asks, as the audit trail names them.
func person(ctx context.Context) string {
	if who := by(ctx); who != "uid 0" {
		return who
	}
	return "root"
}

var errNoHost = errors.New("no such host")

// ListHosts returns members, with when they were last seen, and requests.
func (s *server) ListHosts(ctx context.Context, _ *seawallv1.ListHostsRequest) (*seawallv1.ListHostsResponse, error) {
	members, err := s.cfg.Members(ctx)
	if err != nil {
		return nil, err
	}
	requests, err := s.cfg.Requests(ctx)
	if err != nil {
		return nil, err
	}
	hosts, err := s.cfg.Hosts(ctx)
	if err != nil {
		return nil, err
	}
	seen := make(map[fleet.HostID]fleet.Host, len(hosts))
	for _, h := range hosts {
		seen[h.ID] = h
	}
	answer := &seawallv1.ListHostsResponse{}
	for _, m := range members {
		out := member(m)
		if h, ok := seen[m.Host]; ok {
			out.LastSeen, out.Presence = stamp(h.LastSeen), string(h.Presence)
			if h.Labels.Name != "" {
				out.Name = h.Labels.Name
			}
		}
		answer.Members = append(answer.Members, out)
	}
	for _, r := range requests {
		answer.Requests = append(answer.Requests, request(r))
	}
	return answer, nil
}

// ChangeHost revokes, releases or archives a host.
func (s *server) ChangeHost(ctx context.Context, r *seawallv1.ChangeHostRequest) (*seawallv1.ChangeHostResponse, error) {
	id := fleet.HostID(r.GetId())
	if !id.Valid() {
		return nil, fmt.Errorf("%w: %s", errNoHost, id)
	}
	if _, err := s.cfg.Roster.Find(ctx, id); errors.As(err, new(*roster.Refused)) {
		return nil, fmt.Errorf("%w: %s", errNoHost, id)
	} else if err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	var err error
	switch r.GetChange() {
	case seawallv1.HostChange_HOST_CHANGE_REVOKE:
		_, err = s.cfg.Roster.Change(ctx, id, func(m *fleet.Member) error {
			if m.Standing != fleet.Revoked {
				m.Standing, m.Reason, m.Since = fleet.Revoked, reason(r, "revoked by a person"), now
			}
			return nil
		})
	case seawallv1.HostChange_HOST_CHANGE_RELEASE:
		_, err = s.cfg.Roster.Change(ctx, id, func(m *fleet.Member) error {
			if m.Standing == fleet.Active {
				return nil
			}
			m.Since = now
			return roster.Release(m)
		})
	case seawallv1.HostChange_HOST_CHANGE_ARCHIVE:
		err = s.cfg.Update(ctx, func(tx *membership.Tx) error {
			if err := tx.Archive(id, true); err != nil {
				return err
			}
			return tx.Did(trail.By(ctx), "host archive", string(id), r.GetReason())
		})
	default:
		return nil, status.Error(codes.InvalidArgument, "no such change")
	}
	if err != nil {
		return nil, err
	}
	s.did(ctx, "host changed", "host", id, "change", r.GetChange().String())
	m, _ := s.cfg.Roster.Member(id)
	return &seawallv1.ChangeHostResponse{Member: member(m)}, nil
}

// DecideRequest approves or rejects.
func (s *server) DecideRequest(ctx context.Context, r *seawallv1.DecideRequestRequest) (*seawallv1.DecideRequestResponse, error) {
	decision := fleet.Rejected
	if r.GetApprove() {
		decision = fleet.Approved
	}
	found, err := s.cfg.Enrolment.Decide(ctx, r.GetId(), decision)
	if err != nil {
		return nil, err
	}
	s.did(ctx, "request decided", "request", found.ID, "decision", decision)
	return &seawallv1.DecideRequestResponse{Request: request(found)}, nil
}

// ListAuthorities returns them, and which bundle hosts have.
func (s *server) ListAuthorities(context.Context, *seawallv1.ListAuthoritiesRequest) (*seawallv1.ListAuthoritiesResponse, error) {
	bundle, _ := s.cfg.Authority.Bundle()
	answer := &seawallv1.ListAuthoritiesResponse{BundleRevision: bundle.Revision, Hosts: make(map[uint64]uint32)}
	for _, a := range s.cfg.Authority.List() {
		answer.Authorities = append(answer.Authorities, &seawallv1.Authority{
			Id: a.ID, Created: stamp(a.Created), Expires: stamp(a.Expires),
			Active: a.Active, Retired: a.Retired, Distrusted: a.Distrusted,
		})
	}
	for _, m := range s.cfg.Roster.All() {
		if m.Standing == fleet.Active {
			answer.Hosts[m.Bundle]++
		}
	}
	return answer, nil
}

// record tells the audit trail what was done to the authority, which may be in files: it
// is the only thing that is recorded after it is done.
func (s *server) record(ctx context.Context, action, target, detail string) error {
	err := s.cfg.Update(ctx, func(tx *membership.Tx) error { return tx.Did(trail.By(ctx), action, target, detail) })
	if err != nil {
		return fmt.Errorf("done, and not in the audit trail: %w", err)
	}
	return nil
}

// RotateAuthority makes a new authority.
func (s *server) RotateAuthority(ctx context.Context, _ *seawallv1.RotateAuthorityRequest) (*seawallv1.RotateAuthorityResponse, error) {
	if err := s.cfg.Authority.Rotate(ctx); err != nil {
		return nil, err
	}
	s.did(ctx, "authority rotated", "pin", s.cfg.Authority.Pin())
	if err := s.record(ctx, "authority rotate", s.cfg.Authority.Pin().String(), ""); err != nil {
		return nil, err
	}
	return &seawallv1.RotateAuthorityResponse{}, nil
}

// RetireAuthority takes one out of the bundle.
func (s *server) RetireAuthority(ctx context.Context, r *seawallv1.RetireAuthorityRequest) (*seawallv1.RetireAuthorityResponse, error) {
	if err := s.cfg.Authority.Retire(ctx, r.GetId(), r.GetDistrust()); err != nil {
		return nil, err
	}
	s.did(ctx, "authority retired", "authority", r.GetId(), "distrust", r.GetDistrust())
	if err := s.record(ctx, "authority retire", r.GetId(), fmt.Sprintf("distrust %v", r.GetDistrust())); err != nil {
		return nil, err
	}
	return &seawallv1.RetireAuthorityResponse{}, nil
}
