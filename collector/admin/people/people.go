// Package people serves what commands on the collector's machine ask about those who
// use it: users, API tokens, and the trail of what was done. It is served at the
// administrator's socket, whose other end is root or the collector's own user; the trail
// says which.
package people

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"seawall/collector/account"
	"seawall/collector/account/apitoken"
	"seawall/collector/account/tag"
	"seawall/collector/db"
	"seawall/collector/password"
	"seawall/collector/trail"
	seawallv1 "seawall/proto/seawall/v1"
)

// Service is the service. All fields must be set.
type Service struct {
	seawallv1.UnimplementedPeopleServiceServer
	Accounts *account.Accounts
	Tokens   *apitoken.Tokens
	Data     db.DB
	// EndUser ends the sessions of a user, who may do something else now.
	EndUser func(name string)
}

// Register adds the service to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) { seawallv1.RegisterPeopleServiceServer(r, s) }

// who is at the other end, for the trail.
func who(ctx context.Context) string {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return "unknown"
	}
	if p.Addr.String() == "uid 0" {
		return "root"
	}
	return p.Addr.String()
}

// explain makes an error a status with its text: who asks here may know.
func explain(err error) error {
	code := codes.Unknown
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return status.Error(codes.NotFound, "there is no such user, token or host")
	case errors.Is(err, account.ErrInvalid) || errors.Is(err, tag.ErrSeveral):
		code = codes.InvalidArgument
	case errors.Is(err, account.ErrExists):
		code = codes.AlreadyExists
	case errors.Is(err, account.ErrLastAdmin) || errors.Is(err, apitoken.ErrTooMany):
		code = codes.FailedPrecondition
	}
	return status.Error(code, err.Error())
}

func stamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// ListUsers returns all users.
func (s *Service) ListUsers(ctx context.Context, _ *seawallv1.ListUsersRequest) (*seawallv1.ListUsersResponse, error) {
	all, err := s.Accounts.List(ctx)
	out := &seawallv1.ListUsersResponse{}
	for _, u := range all {
		out.Users = append(out.Users, &seawallv1.User{Name: u.Name, Role: string(u.Role), Scope: u.Scope, Created: stamp(u.Created),
			Seen: stamp(u.Seen), Disabled: u.Disabled, Password: u.Password})
	}
	return out, explain(err)
}

// AddUser makes a user, with a password of ours where none is given.
func (s *Service) AddUser(ctx context.Context, r *seawallv1.AddUserRequest) (*seawallv1.AddUserResponse, error) {
	word, made := r.GetPassword(), ""
	if word == "" && !r.GetWithoutPassword() {
		made = password.Generate()
		word = made
	}
	err := s.Accounts.Add(ctx, who(ctx), r.GetName(), word, account.Role(r.GetRole()), r.GetScope())
	if err != nil {
		return nil, explain(err)
	}
	return &seawallv1.AddUserResponse{Password: made}, nil
}

// SetUserRole gives a user another role and scope, which ends the sessions.
func (s *Service) SetUserRole(ctx context.Context, r *seawallv1.SetUserRoleRequest) (*seawallv1.SetUserRoleResponse, error) {
	err := s.Accounts.SetRole(ctx, who(ctx), r.GetName(), account.Role(r.GetRole()), r.GetScope())
	return &seawallv1.SetUserRoleResponse{}, s.changed(r.GetName(), err)
}

// changed ends a user's sessions after a change.
func (s *Service) changed(name string, err error) error {
	if err == nil {
		s.EndUser(name)
	}
	return explain(err)
}

// SetUserPassword gives a user a password, which ends the sessions.
func (s *Service) SetUserPassword(ctx context.Context, r *seawallv1.SetUserPasswordRequest) (*seawallv1.SetUserPasswordResponse, error) {
	word, made := r.GetPassword(), ""
	if word == "" {
		made = password.Generate()
		word = made
	}
	if err := s.changed(r.GetName(), s.Accounts.SetPassword(ctx, who(ctx), r.GetName(), word)); err != nil {
		return nil, err
	}
	return &seawallv1.SetUserPasswordResponse{Password: made}, nil
}

// DisableUser takes a user the right to sign in, or gives it back.
func (s *Service) DisableUser(ctx context.Context, r *seawallv1.DisableUserRequest) (*seawallv1.DisableUserResponse, error) {
	return &seawallv1.DisableUserResponse{}, s.changed(r.GetName(), s.Accounts.Disable(ctx, who(ctx), r.GetName(), r.GetDisabled()))
}

// RemoveUser removes a user.
func (s *Service) RemoveUser(ctx context.Context, r *seawallv1.RemoveUserRequest) (*seawallv1.RemoveUserResponse, error) {
	return &seawallv1.RemoveUserResponse{}, s.changed(r.GetName(), s.Accounts.Remove(ctx, who(ctx), r.GetName()))
}

func token(t apitoken.Token) *seawallv1.ApiToken {
	return &seawallv1.ApiToken{Id: t.ID, User: t.User, Label: t.Label, Role: string(t.Role), Scope: t.Scope,
		Created: stamp(t.Created), Expires: stamp(t.Expires), Used: stamp(t.Used)}
}

// ListApiTokens returns tokens without their secrets.
func (s *Service) ListApiTokens(ctx context.Context, r *seawallv1.ListApiTokensRequest) (*seawallv1.ListApiTokensResponse, error) {
	all, err := s.Tokens.List(ctx, r.GetUser())
	out := &seawallv1.ListApiTokensResponse{}
	for _, t := range all {
		out.Tokens = append(out.Tokens, token(t))
	}
	return out, explain(err)
}

// AddApiToken makes a token of a user.
func (s *Service) AddApiToken(ctx context.Context, r *seawallv1.AddApiTokenRequest) (*seawallv1.AddApiTokenResponse, error) {
	life := time.Duration(min(r.GetLifeSeconds(), 1<<32)) * time.Second
	text, made, err := s.Tokens.Add(ctx, who(ctx), r.GetUser(), r.GetLabel(), account.Role(r.GetRole()), r.GetScope(), life)
	if err != nil {
		return nil, explain(err)
	}
	return &seawallv1.AddApiTokenResponse{Text: text, Token: token(made)}, nil
}

// RevokeApiToken ends a token.
func (s *Service) RevokeApiToken(ctx context.Context, r *seawallv1.RevokeApiTokenRequest) (*seawallv1.RevokeApiTokenResponse, error) {
	return &seawallv1.RevokeApiTokenResponse{}, explain(s.Tokens.Revoke(ctx, who(ctx), "", r.GetId()))
}

// ListHostTags returns the hosts that have tags.
func (s *Service) ListHostTags(ctx context.Context, _ *seawallv1.ListHostTagsRequest) (*seawallv1.ListHostTagsResponse, error) {
	out := &seawallv1.ListHostTagsResponse{}
	err := s.Data.Read(ctx, func(q db.Querier) error {
		all, err := tag.List(ctx, q)
		for _, h := range all {
			out.Hosts = append(out.Hosts, &seawallv1.HostTags{Host: string(h.ID), Name: h.Name, Tags: h.Tags})
		}
		return err
	})
	return out, explain(err)
}

// SetHostTags gives a host tags and takes others away.
func (s *Service) SetHostTags(ctx context.Context, r *seawallv1.SetHostTagsRequest) (*seawallv1.SetHostTagsResponse, error) {
	out := &seawallv1.SetHostTagsResponse{}
	err := s.Data.Write(ctx, func(w db.Writer) (err error) {
		out.Tags, err = tag.Change(w, time.Now(), who(ctx), r.GetHost(), r.GetAdd(), r.GetRemove())
		return err
	})
	return out, explain(err)
}

// ListTrail returns what was done, newest first.
func (s *Service) ListTrail(ctx context.Context, r *seawallv1.ListTrailRequest) (*seawallv1.ListTrailResponse, error) {
	out := &seawallv1.ListTrailResponse{}
	err := s.Data.Read(ctx, func(q db.Querier) error {
		all, err := trail.List(ctx, q, trail.Query{Who: r.GetWho(), Action: r.GetAction(), Before: r.GetBefore(), Limit: int(r.GetLimit())})
		for _, e := range all {
			out.Entries = append(out.Entries, &seawallv1.TrailEntry{Seq: e.Seq, Time: stamp(e.Time), Who: e.Who, Action: e.Action, Target: e.Target, Detail: e.Detail, Hash: e.Hash})
		}
		return err
	})
	return out, explain(err)
}

// VerifyTrail reads the whole trail. What does not hold is an answer, no error.
func (s *Service) VerifyTrail(ctx context.Context, r *seawallv1.VerifyTrailRequest) (*seawallv1.VerifyTrailResponse, error) {
	out := &seawallv1.VerifyTrailResponse{}
	err := s.Data.Read(ctx, func(q db.Querier) (err error) {
		out.Entries, err = trail.Verify(ctx, q, r.GetHead())
		if errors.Is(err, trail.ErrBroken) {
			out.Broken, err = err.Error(), nil
		}
		if err == nil {
			_, out.Head, err = trail.Head(ctx, q)
		}
		return err
	})
	return out, explain(err)
}
