package main

import (
	"context"
	"slices"
	"time"

	"seawall/collector/config"
	"seawall/collector/fleet"
	"seawall/collector/glance"
	"seawall/collector/once"
	"seawall/collector/report"
	"seawall/collector/store"
	"seawall/collector/trail"
	"seawall/collector/web"
	"seawall/collector/web/alerts"
	"seawall/collector/web/api"
	"seawall/collector/web/decide"
	"seawall/collector/web/exports"
	"seawall/collector/web/frame"
	reportpages "seawall/collector/web/report"
	"seawall/collector/web/settings"
	"seawall/collector/web/triage"
	"seawall/pkg/service"
)

// glances returns what makes the overview.
func glances(s *store.Store) func(ctx context.Context, scope []string) (fleet.Glance, error) {
	reports := report.New(report.Config{Data: s, Checks: s.Checks, Hosts: s.HostPage})
	return glance.New(glance.Config{Reports: reports, Overview: s.OverviewOf, Hosts: s.HostPage, Changes: s.Changes, Now: time.Now}).Make
}

// areas returns what makes the areas of the dashboard that keep tables of their own.
func areas(c config.Config, s *store.Store, m *members, a *messenger, who *users) func(*frame.Frame) ([]web.Area, error) {
	return func(f *frame.Frame) ([]web.Area, error) {
		messages, err := alerts.New(alerts.Config{Frame: f, Data: s, Outbox: a.Outbox, Routes: a.Desk.Routes, Changed: a.Watch.Wake})
		if err != nil {
			return nil, err
		}
		all, err := who.pages(f)
		if err != nil {
			return nil, err
		}
		decisions, err := triage.New(triage.Config{Frame: f, Data: s, Host: s.Host})
		if err != nil {
			return nil, err
		}
		private, err := settings.New(settings.Config{Frame: f, Data: s, Forget: forgetter(s, m), Kept: settings.Standing(c.ArchiveAfterDays), Days: c.RetentionDays})
		if err != nil {
			return nil, err
		}
		reports, err := reportpages.New(reportpages.Config{Frame: f, Data: s, Posture: s, Lists: s, Checks: s.Checks})
		if err != nil {
			return nil, err
		}
		streams, err := exports.New(exports.Config{Frame: f, Data: s, Routes: a.Desk.Routes, Changed: a.Exports.Wake})
		if err != nil {
			return nil, err
		}
		data := api.New(api.Config{Frame: f, Posture: s, Catalogue: s, CheckOf: s.CheckOf, Detections: s, Lists: s, Advisories: s, Requests: s.Requests,
			Export: files(s), Exported: trail.Exported(s, time.Now), Version: service.ReadBuild().Version, Once: once.Open(s, time.Now)},
			slices.Concat(who.endpoints(), m.endpoints(c, s), decide.Endpoints(decide.Config{Data: s, Outbox: a.Outbox, Tokens: who.tokens, Now: time.Now, Routes: a.Desk.Routes, Rules: a.Watch.Wake, Exports: a.Exports.Wake,
				Change: m.Change, Decide: m.Decide}))...)
		return []web.Area{data, streams, messages, all, decisions, private, reports}, nil
	}
}
