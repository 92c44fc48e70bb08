package main

import (
	"context"
	"io"
	"log/slog"
	neturl "net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"google.golang.org/grpc"

	"seawall/collector/admin"
	"seawall/collector/authority"
	"seawall/collector/contact"
	"seawall/collector/db"
	"seawall/collector/enrol"
	"seawall/collector/export"
	"seawall/collector/fleet"
	"seawall/collector/roster"
	"seawall/collector/roster/ledger"
	"seawall/collector/store"
	"seawall/collector/trail"
	"seawall/pkg/service"
)

// members is who may deliver and how one comes to.
type members struct {
	authority *authority.Authority
	roster    *roster.Roster
	enrolment *enrol.Service
}

func openMembers(ctx context.Context, c config, s *store.Store, log *slog.Logger) (*members, error) {
	ca, err := authority.Open(c.StateDir, authority.Config{Log: log})
	if err != nil {
		return nil, err
	}
	r, err := roster.New(ctx, ledger.Ledger{Update: s.Update, Read: s.Read}, roster.Config{Verify: ca.VerifyHost, Log: log})
	if err != nil {
		return nil, err
	}
	e, err := enrol.New(ctx, enrol.Config{
		Authority: ca, Roster: r, Update: s.Update, MaxHosts: c.MaxHosts, Approve: c.EnrolmentApproval.Value == "all", Log: log,
	})
	if err != nil {
		return nil, err
	}
	return &members{ca, r, e}, nil
}

// admin is what the administrator's service works with.
func (m *members) admin(s *store.Store, who *users, log *slog.Logger) admin.Config {
	return admin.Config{
		Authority: m.authority, Enrolment: m.enrolment, Roster: m.roster,
		Members: s.Members, Tokens: s.Tokens, Requests: s.Requests, Hosts: s.Hosts, Update: s.Update, Log: log,
		Export: exports(s), Exported: exported(s),
		Services: []func(grpc.ServiceRegistrar){who.service()},
	}
}

// exports makes files of what the store has.
func exports(s *store.Store) func(v neturl.Values, now time.Time, sees func(fleet.HostID) bool) (name, what string, write func(context.Context, io.Writer) error, err error) {
	return export.Source{Hosts: s.Hosts, Host: s.Host, Checks: s.Checks, Timeline: s.Timeline, Detections: s.Detections}.Open(service.ReadBuild().Version)
}

// exported records in the trail that somebody exports something.
func exported(s *store.Store) func(ctx context.Context, who, what string) error {
	return func(ctx context.Context, who, what string) error {
		return s.Write(ctx, func(w db.Writer) error {
			_, err := trail.Record(w, time.Now(), trail.Entry{Who: who, Action: "export write", Target: what})
			return err
		})
	}
}

// measure registers how many members there are, by standing.
func (m *members) measure(r prometheus.Registerer) {
	for _, standing := range []fleet.Standing{fleet.Active, fleet.Quarantined, fleet.Revoked} {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: "seawall", Name: "members", Help: "Hosts that were admitted, by standing.",
			ConstLabels: prometheus.Labels{"standing": string(standing)},
		}, func() float64 {
			n := 0
			for _, one := range m.roster.All() {
				if one.Standing == standing {
					n++
				}
			}
			return float64(n)
		}))
	}
}

// distrust ends streams of hosts whose certificate an authority signed that is no
// longer believed.
func (m *members) distrust(ctx context.Context) error {
	return m.roster.Watch(ctx, func() <-chan struct{} {
		_, changed := m.authority.Bundle()
		return changed
	})
}

// keepPin writes connection.json anew when the authority is another. Pins that were
// given before stay good.
func (m *members) keepPin(ctx context.Context, c config, at contact.Contact, log *slog.Logger) error {
	for {
		_, changed := m.authority.Bundle()
		if pin := m.authority.Pin().String(); pin != at.Pin {
			at.Pin = pin
			if err := at.Write(c.StateDir); err != nil {
				log.Error("the new pin is not written", "err", err)
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}
