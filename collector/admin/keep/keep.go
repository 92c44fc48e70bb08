// Package keep serves what commands on the collector's machine ask about what is kept:
// waivers, hosts and names to be forgotten, and retention. It is served at the
// administrator's socket, whose other end is root or the collector's own user; the trail
// says which.
package keep

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"seawall/collector/account/tag"
	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/privacy"
	"seawall/collector/retention"
	"seawall/collector/trail"
	"seawall/collector/triage"
	seawallv1 "seawall/proto/seawall/v1"
)

// Service is the service. All fields must be set.
type Service struct {
	seawallv1.UnimplementedKeepServiceServer
	Data db.DB
	// Forget deletes a host everywhere, together with what record writes, and returns
	// how many rows are gone. A host that is not known is an error that is
	// fleet.ErrUnknown.
	Forget func(ctx context.Context, id fleet.HostID, record func(w db.Writer, rows int64) error) (rows int64, err error)
	Days   int // for which changes and detections are kept where nobody set it
}

// Register adds the service to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) { seawallv1.RegisterKeepServiceServer(r, s) }

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
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fleet.ErrUnknown):
		return status.Error(codes.NotFound, "there is no such host")
	case errors.Is(err, fs.ErrNotExist):
		return status.Error(codes.NotFound, "there is no such host, or no such waiver that stands")
	case errors.Is(err, tag.ErrSeveral):
		return status.Error(codes.InvalidArgument, err.Error())
	case errors.Is(err, triage.ErrFull):
		return status.Error(codes.FailedPrecondition, err.Error())
	case errors.As(err, new(badRequest)):
		return status.Error(codes.InvalidArgument, err.Error())
	}
	return status.Error(codes.Unknown, err.Error())
}

// badRequest is what is wrong with a request.
type badRequest string

func (b badRequest) Error() string { return string(b) }

func stamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// host returns the id of the host that a text names.
func host(w db.Writer, text string) (fleet.HostID, error) {
	if id := fleet.HostID(text); id.Valid() {
		return id, nil // also of a member that never reported
	}
	key, err := tag.Find(w, text)
	return fleet.HostID(hex.EncodeToString(key)), err
}

// record writes what was done into the trail.
func record(ctx context.Context, w db.Writer, action, target, detail string) error {
	_, err := trail.Record(w, time.Now(), trail.Entry{Who: who(ctx), Action: action, Target: target, Detail: detail})
	return err
}

// AddWaiver makes a waiver.
func (s *Service) AddWaiver(ctx context.Context, r *seawallv1.AddWaiverRequest) (*seawallv1.AddWaiverResponse, error) {
	out, now := &seawallv1.AddWaiverResponse{}, time.Now()
	asked := r.GetWaiver()
	err := s.Data.Write(ctx, func(w db.Writer) error {
		v := triage.Waiver{Check: asked.GetCheck(), Resource: asked.GetResource(), Tag: asked.GetTag(), Owner: asked.GetOwner(),
			Reason: asked.GetReason(), Who: who(ctx), Expires: asked.GetExpires().AsTime()}
		over := "all hosts"
		if v.Tag != "" {
			over = "tag " + v.Tag
		}
		if asked.GetHost() != "" {
			id, err := host(w, asked.GetHost())
			if err != nil {
				return err
			}
			v.Host, over = id, "host "+string(id)
		}
		if all := v.Problems(now); len(all) > 0 {
			return badRequest(all[0])
		}
		id, err := triage.Add(w, now, v)
		if err != nil {
			return err
		}
		out.Id = id
		return record(ctx, w, "waiver add", id, fmt.Sprintf("%s until %s for %s: %s", v.Check, v.Expires.Format("2006-01-02"), over, v.Reason))
	})
	return out, explain(err)
}

// ListWaivers returns waivers that stand, or those that do not any more.
func (s *Service) ListWaivers(ctx context.Context, r *seawallv1.ListWaiversRequest) (*seawallv1.ListWaiversResponse, error) {
	all, err := triage.Waivers(ctx, s.Data, time.Now(), r.GetPast())
	out := &seawallv1.ListWaiversResponse{}
	for _, v := range all {
		if r.GetCheck() == "" || r.GetCheck() == v.Check {
			out.Waivers = append(out.Waivers, &seawallv1.Waiver{Id: v.ID, Check: v.Check, Resource: v.Resource, Host: string(v.Host), Tag: v.Tag, Owner: v.Owner,
				Reason: v.Reason, Who: v.Who, Made: stamp(v.Made), Expires: stamp(v.Expires), Ended: stamp(v.Ended), EndedBy: v.EndedBy})
		}
	}
	return out, explain(err)
}

// EndWaiver ends a waiver that stands.
func (s *Service) EndWaiver(ctx context.Context, r *seawallv1.EndWaiverRequest) (*seawallv1.EndWaiverResponse, error) {
	err := s.Data.Write(ctx, func(w db.Writer) error {
		if err := triage.End(w, time.Now(), r.GetId(), who(ctx)); err != nil {
			return err
		}
		return record(ctx, w, "waiver end", r.GetId(), "")
	})
	return &seawallv1.EndWaiverResponse{}, explain(err)
}

// ForgetHost deletes a host everywhere.
func (s *Service) ForgetHost(ctx context.Context, r *seawallv1.ForgetHostRequest) (*seawallv1.ForgetHostResponse, error) {
	var id fleet.HostID
	err := s.Data.Write(ctx, func(w db.Writer) (err error) { // to find one needs a writer
		id, err = host(w, r.GetHost())
		return err
	})
	if err != nil {
		return nil, explain(err)
	}
	rows, err := s.Forget(ctx, id, func(w db.Writer, rows int64) error {
		return record(ctx, w, "host forget", string(id), fmt.Sprintf("%d rows deleted, none left", rows))
	})
	return &seawallv1.ForgetHostResponse{Host: string(id), Rows: rows}, explain(err)
}

// ForgetUser takes a person's name out of everything that hosts told.
func (s *Service) ForgetUser(ctx context.Context, r *seawallv1.ForgetUserRequest) (*seawallv1.ForgetUserResponse, error) {
	if err := privacy.CheckName(r.GetName()); err != nil {
		return nil, explain(badRequest(err.Error()))
	}
	// Of a person the trail keeps no name.
	p, err := privacy.User(ctx, s.Data, r.GetName(), func(w db.Writer, p privacy.Report) error {
		return record(ctx, w, "name forget", "", p.Detail())
	})
	return &seawallv1.ForgetUserResponse{Words: int64(p.Words), Changed: int64(p.Changed), Looked: int64(p.Looked), Standing: int64(p.Standing)}, explain(err)
}

// ListRetention returns for how long what is kept.
func (s *Service) ListRetention(ctx context.Context, _ *seawallv1.ListRetentionRequest) (*seawallv1.ListRetentionResponse, error) {
	all, err := retention.All(ctx, s.Data, s.Days)
	out := &seawallv1.ListRetentionResponse{}
	for _, p := range all {
		out.Kinds = append(out.Kinds, &seawallv1.Retention{Kind: string(p.Kind), What: p.What, Days: int32(p.Days), Who: p.Who, Changed: stamp(p.Changed)})
	}
	return out, explain(err)
}

// SetRetention keeps a kind for another time from now on.
func (s *Service) SetRetention(ctx context.Context, r *seawallv1.SetRetentionRequest) (*seawallv1.SetRetentionResponse, error) {
	kind, days := retention.Kind(r.GetKind()), int(r.GetDays())
	if problem := retention.Problem(kind, days); problem != "" {
		return nil, explain(badRequest(problem))
	}
	err := s.Data.Write(ctx, func(w db.Writer) error {
		if err := retention.Set(w, time.Now(), who(ctx), kind, days); err != nil {
			return err
		}
		return record(ctx, w, "retention set", r.GetKind(), retention.Long(days))
	})
	return &seawallv1.SetRetentionResponse{}, explain(err)
}
