package main

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"seawall/agent/config"
	"seawall/agent/detect/rules"
	"seawall/agent/lint"
	"seawall/agent/policy"
	"seawall/agent/replay"
	"seawall/agent/sensor"
	"seawall/agent/sentry"
	"seawall/pkg/finding"
	"seawall/pkg/hostfs"
	"seawall/pkg/redact"
)

// detections puts the detections between kernel audit and the sensor. Where they are
// switched off, events that are missing are told all the same.
func detections(c config.Config, log *slog.Logger, s *sensor.Config) {
	hide := redact.New(c.RedactWords...)
	guard := sentry.New(sentry.Config{Log: log, Root: hostfs.Root{}, Dir: c.DetectionsDir, Allow: c.AllowFile, Redact: hide, Off: !c.Detect,
		Kept: filepath.Join(cmp.Or(s.Audit.RunDir, c.SpoolDir), sentry.KeptFile)})
	s.Audit.Redact = hide.Command
	s.Audit.Observe, s.Audit.Tick, s.Audit.Gap = guard.Observe, guard.Tick, guard.Gap
	s.Audit.Profile, s.Audit.RulesDir, s.Audit.DetectRules = c.AuditProfile, c.AuditRulesDir, rules.Profile()
	s.Detections = sensor.Detections{Ready: guard.Ready(), Deliver: guard.Deliver, Close: guard.Close, Count: guard.Count}
	if c.Detect {
		s.Host = guarded(s.Host, guard, time.Now)
	}
}

// ruleGroup is the group of facts with which the rules of detections are looked at.
const ruleGroup = "audit"

// guarded is host with the result of guard's rules, which are read again when their
// files changed.
func guarded(host sensor.Host, guard *sentry.Sentry, now func() time.Time) sensor.Host {
	with := host
	with.Look = func(ctx context.Context, groups ...string) sensor.Reading {
		r := host.Look(ctx, groups...)
		if len(groups) > 0 && !slices.Contains(groups, ruleGroup) {
			return r
		}
		if guard.Changed() {
			guard.Reload(now())
		}
		r.Checks = append(slices.Clip(r.Checks), sentry.Check)
		r.Results = append(slices.Clip(r.Results), guard.Result(now().UTC()))
		return r
	}
	with.Affected = func(name string) []string {
		groups := host.Affected(name)
		if guard.Affected(name) && !slices.Contains(groups, ruleGroup) {
			groups = append(slices.Clip(groups), ruleGroup)
		}
		return groups
	}
	with.Depends = func() []string { return append(slices.Clip(host.Depends()), guard.Files()...) }
	with.Pack = func() []finding.CheckInfo { return append(slices.Clip(host.Pack()), sentry.Info()) }
	return with
}

// linted is lint for files of detections, beside our own.
func linted() lint.Rules {
	return lint.Rules{Is: replay.IsRules, Lint: func(w io.Writer, sources []policy.Source) (int, error) {
		files := make([]replay.File, len(sources))
		for i, s := range sources {
			files[i] = replay.File{Name: s.Name, Data: s.Data}
		}
		report, err := replay.LintHost(hostfs.Root{}, files)
		if err != nil {
			return 0, err
		}
		return report.Print(w, "detections")
	}}
}
