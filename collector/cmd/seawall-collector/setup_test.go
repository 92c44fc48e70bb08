package main

import (
	"io"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"seawall/collector/config"
	"seawall/collector/setup"
	"seawall/pkg/yamlset"
)

// plan returns the plan of a command line, for a machine whose configuration is
// that of old.
func plan(t *testing.T, old map[string]string, name string, args ...string) setup.Plan {
	t.Helper()
	var c config.Config
	flags := pflag.NewFlagSet("x", pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	c.Register(flags)
	for flag, value := range old {
		if err := flags.Lookup(flag).Value.Set(value); err != nil {
			t.Fatal(err)
		}
	}
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	p, err := planSetup(c, flags, name)
	if err != nil {
		t.Fatal(err)
	}
	p.Units = nil
	return p
}

// TestPlanSetup writes what it was told, and what follows from the name.
func TestPlanSetup(t *testing.T) {
	base := setup.Plan{Config: config.Default, UnitDir: ownUnits, Files: map[string]string{}}
	for _, c := range []struct {
		old  map[string]string
		name string
		args []string
		want func(*setup.Plan)
	}{
		{nil, "", nil, func(*setup.Plan) {}},
		{nil, "", []string{"--state-dir", "/x", "--ingest", ":1", "--dashboard", "10.0.0.5:8443", "--max-hosts", "7", "--dashboard-invites", "off"}, func(p *setup.Plan) {
			p.Ingest, p.Dashboard = ":1", "10.0.0.5:8443"
			p.Settings = []yamlset.Setting{{Name: "dashboard_invites", Value: "off"}, {Name: "max_hosts", Value: "7"}}
		}},
		{nil, "c.example.net", nil, func(p *setup.Plan) {
			p.Settings = []yamlset.Setting{{Name: "advertise", Value: "c.example.net:9443"}, {Name: "dashboard_hosts", Value: "c.example.net"}}
		}},
		{map[string]string{"advertise": "old:99", "dashboard-hosts": "a,b"}, "c.example.net", nil, func(p *setup.Plan) {
			p.Settings = []yamlset.Setting{{Name: "advertise", Value: "c.example.net:99"}, {Name: "dashboard_hosts", Value: "a,b,c.example.net"}}
		}},
		{map[string]string{"advertise": "old:99"}, "2001:db8::1", []string{"--ingest", ":7"}, func(p *setup.Plan) {
			p.Ingest, p.Settings = ":7", []yamlset.Setting{{Name: "advertise", Value: "[2001:db8::1]:7"}}
		}},
		{nil, "c.example.net", []string{"--advertise", "lb.example.net:443", "--dashboard-hosts", "c.example.net"}, func(p *setup.Plan) {
			p.Settings = []yamlset.Setting{{Name: "advertise", Value: "lb.example.net:443"}, {Name: "dashboard_hosts", Value: "c.example.net"}}
		}},
		{nil, "", []string{"--repo-key", "x.asc"}, func(p *setup.Plan) {
			p.Files = map[string]string{filepath.Join(filepath.Dir(config.Default), repoKey): "x.asc"}
			p.Settings = []yamlset.Setting{{Name: "repo_key", Value: filepath.Join(filepath.Dir(config.Default), repoKey)}}
		}},
	} {
		want := base
		c.want(&want)
		got := plan(t, c.old, c.name, c.args...)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v, %q, %q (-want +got):\n%s", c.old, c.name, c.args, diff)
		}
	}
}
