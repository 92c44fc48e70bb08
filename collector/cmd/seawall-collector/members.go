package main

import (
	"context"
	"io"
	"log/slog"
	neturl "net/url"
	"time"

	"google.golang.org/grpc"

	"seawall/collector/admin"
	"seawall/collector/admin/exports"
	"seawall/collector/admin/keep"
	"seawall/collector/admit"
	"seawall/collector/config"
	"seawall/collector/export"
	"seawall/collector/fleet"
	"seawall/collector/store"
	"seawall/collector/trail"
	"seawall/collector/web/invites"
	"seawall/collector/web/rest"
	"seawall/pkg/service"
)

// members is who may deliver and how one comes to.
type members struct{ *admit.Members }

func openMembers(ctx context.Context, c config.Config, s *store.Store, log *slog.Logger) (*members, error) {
	m, err := admit.Open(ctx, admit.Config{
		Data: s, Update: s.Update, Elsewhere: s.Elsewhere, Shared: c.Store != "", StateDir: c.StateDir, SealKey: c.SealKey, NewAuthority: c.NewAuthority,
		MaxHosts: c.MaxHosts, Approve: c.EnrolmentApproval.Value == "all", Log: log,
	})
	return &members{m}, err
}

// admin is what the administrator's service works with.
func (m *members) admin(c config.Config, s *store.Store, a *messenger, who *users, log *slog.Logger) admin.Config {
	kept := &keep.Service{Data: s, Forget: forgetter(s, m), Days: c.RetentionDays}
	sent := &exports.Service{Data: s, Routes: a.Desk.Routes, Changed: a.Exports.Wake}
	return admin.Config{
		Authority: m.Authority, Enrolment: m.Enrolment, Roster: m.Roster,
		Members: s.Members, Tokens: s.Tokens, Requests: s.Requests, Hosts: s.Hosts, Update: s.Update, Log: log,
		Export: files(s), Exported: trail.Exported(s, time.Now),
		Services: []func(grpc.ServiceRegistrar){who.service(), kept.Register, sent.Register},
	}
}

// endpoints are the API about how hosts come, and to whom they belong.
func (m *members) endpoints(c config.Config, s *store.Store) []rest.Endpoint {
	return invites.Endpoints(invites.Config{Data: s, Tokens: s.Tokens, Invite: m.Invite, Withdraw: m.Withdraw, Commanded: c.Invites.Value == "off", Now: time.Now})
}

// files makes files of what the store has.
func files(s *store.Store) func(v neturl.Values, now time.Time, sees func(fleet.HostID) bool) (name, what string, write func(context.Context, io.Writer) error, err error) {
	return export.Source{Hosts: s.Hosts, Host: s.Host, Checks: s.Checks, Timeline: s.Timeline, Detections: s.Detections}.Open(service.ReadBuild().Version)
}
