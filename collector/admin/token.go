package admin

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"seawall/collector/enrol"
	"seawall/collector/fleet"
	seawallv1 "seawall/proto/seawall/v1"
)

// CreateToken makes a token.
func (s *server) CreateToken(ctx context.Context, r *seawallv1.CreateTokenRequest) (*seawallv1.CreateTokenResponse, error) {
	scope, err := readScope(r.GetScope())
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	if r.GetTtlSeconds() > math.MaxInt32 {
		return nil, status.Error(codes.InvalidArgument, "a life of too many seconds")
	}
	secret, t, err := s.cfg.Enrolment.Invite(ctx, enrol.Invitation{
		TTL: time.Duration(r.GetTtlSeconds()) * time.Second, Uses: int(r.GetUses()),
		Label: r.GetLabel(), Scope: scope, Tags: r.GetTags(), Approval: r.GetApproval(),
	})
	if err != nil {
		return nil, err
	}
	s.did(ctx, "token created", "token", t.ID, "label", t.Label, "uses", t.Uses)
	return &seawallv1.CreateTokenResponse{Text: secret.Text(), Token: newToken(t)}, nil
}

func readScope(r *seawallv1.Scope) (fleet.Scope, error) {
	scope := fleet.Scope{Name: r.GetName(), Clones: r.GetClones()}
	for _, text := range r.GetNetworks() {
		n, err := netip.ParsePrefix(text)
		if err != nil {
			return fleet.Scope{}, fmt.Errorf("network %q is not like 192.0.2.0/24", text)
		}
		scope.Networks = append(scope.Networks, n.Masked())
	}
	return scope, nil
}

// ListTokens returns all tokens.
func (s *server) ListTokens(ctx context.Context, _ *seawallv1.ListTokensRequest) (*seawallv1.ListTokensResponse, error) {
	all, err := s.cfg.Tokens(ctx)
	if err != nil {
		return nil, err
	}
	answer := &seawallv1.ListTokensResponse{}
	for _, t := range all {
		answer.Tokens = append(answer.Tokens, newToken(t))
	}
	return answer, nil
}

// RevokeToken ends a token.
func (s *server) RevokeToken(ctx context.Context, r *seawallv1.RevokeTokenRequest) (*seawallv1.RevokeTokenResponse, error) {
	t, err := s.cfg.Enrolment.Withdraw(ctx, r.GetId())
	if err != nil {
		return nil, err
	}
	s.did(ctx, "token revoked", "token", t.ID)
	return &seawallv1.RevokeTokenResponse{Token: newToken(t)}, nil
}
