// Package exports serves what commands on the collector's machine ask about what goes to
// other programs as it happens. It is served at the administrator's socket, whose other
// end is root or the collector's own user; the trail says which.
package exports

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"seawall/collector/alert"
	"seawall/collector/db"
	"seawall/collector/export/order"
	"seawall/collector/trail"
	"seawall/pkg/finding"
	seawallv1 "seawall/proto/seawall/v1"
)

// Service is the service. All fields must be set.
type Service struct {
	seawallv1.UnimplementedExportsServiceServer
	Data db.DB
	// Routes returns the routes that there are, and when the process that delivers was
	// heard of last.
	Routes func() ([]alert.Route, time.Time)
	// Changed is called when exports have changed.
	Changed func()
}

// Register adds the service to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) { seawallv1.RegisterExportsServiceServer(r, s) }

// explain makes an error a status with its text: who asks here may know.
func explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return status.Error(codes.NotFound, "there is no such export")
	case errors.Is(err, order.ErrFull):
		return status.Error(codes.FailedPrecondition, err.Error())
	}
	return status.Error(codes.Unknown, err.Error())
}

// ListExports returns exports, and how far each got.
func (s *Service) ListExports(ctx context.Context, _ *seawallv1.ListExportsRequest) (*seawallv1.ListExportsResponse, error) {
	all, err := order.List(ctx, s.Data)
	if err != nil {
		return nil, explain(err)
	}
	known, _ := s.Routes()
	out := &seawallv1.ListExportsResponse{}
	for i := range all {
		p := &all[i]
		one := &seawallv1.ExportProgress{Export: plain(&p.Order), Sent: p.Sent, Lost: p.Lost, Behind: p.Behind,
			Waiting: uint32(p.Waiting), Refused: uint32(p.Refused),
			RouteKnown: slices.ContainsFunc(known, func(r alert.Route) bool { return r.Name == p.Route })}
		if !p.Reached.IsZero() {
			one.Reached = timestamppb.New(p.Reached)
		}
		out.Exports = append(out.Exports, one)
	}
	return out, nil
}

func plain(o *order.Order) *seawallv1.ContinuousExport {
	return &seawallv1.ContinuousExport{Name: o.Name, Enabled: o.Enabled, Route: o.Route, Format: o.Format, What: o.What,
		EveryHours: uint32(o.EveryHours), MinSeverity: uint32(o.MinSeverity), Families: o.Families, Tags: o.Tags}
}

// SetExport makes an export, or has one that is there be so from now on.
func (s *Service) SetExport(ctx context.Context, r *seawallv1.SetExportRequest) (*seawallv1.SetExportResponse, error) {
	e := r.GetExport()
	o := order.Order{Name: e.GetName(), Enabled: e.GetEnabled(), Route: e.GetRoute(), Format: e.GetFormat(), What: e.GetWhat(),
		EveryHours: int(e.GetEveryHours()), MinSeverity: finding.Severity(min(e.GetMinSeverity(), 255)), Families: e.GetFamilies(), Tags: e.GetTags()}
	if err := o.Check(); err != nil {
		return nil, status.Error(codes.InvalidArgument, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	made, err := order.Put(ctx, s.Data, time.Now(), trail.By(ctx), o)
	if err != nil {
		return nil, explain(err)
	}
	s.Changed()
	return &seawallv1.SetExportResponse{Made: made}, nil
}

// EnableExport turns an export on or off. It goes on where it was.
func (s *Service) EnableExport(ctx context.Context, r *seawallv1.EnableExportRequest) (*seawallv1.EnableExportResponse, error) {
	if err := order.Enable(ctx, s.Data, time.Now(), trail.By(ctx), r.GetName(), r.GetEnabled()); err != nil {
		return nil, explain(err)
	}
	s.Changed()
	return &seawallv1.EnableExportResponse{}, nil
}

// RemoveExport removes an export. What is on its way is delivered.
func (s *Service) RemoveExport(ctx context.Context, r *seawallv1.RemoveExportRequest) (*seawallv1.RemoveExportResponse, error) {
	if err := order.Drop(ctx, s.Data, time.Now(), trail.By(ctx), r.GetName()); err != nil {
		return nil, explain(err)
	}
	s.Changed()
	return &seawallv1.RemoveExportResponse{}, nil
}
