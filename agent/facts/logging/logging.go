package logging

import (
	"context"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/owner"
	"seawall/agent/facts/service"
	"seawall/pkg/hostfs"
)

const (
	unitJournald = "systemd-journald.service"
	unitUpload   = "systemd-journal-upload.service"
	unitRemote   = "systemd-journal-remote.socket"
	unitRsyslog  = "rsyslog.service"
	unitSyslogNG = "syslog-ng.service"
	unitRotate   = "logrotate.timer"
)

type reader struct {
	env    fact.Env
	root   hostfs.Root
	names  *owner.Names
	states map[string]service.State
	f      *Facts
}

// Read reads the facts.
func Read(ctx context.Context, env fact.Env) Facts {
	start := env.Now()
	f := Facts{Meta: fact.Meta{State: fact.StateKnown}}
	units := []string{unitJournald, unitUpload, unitRemote, unitRsyslog, unitSyslogNG, unitRotate}
	r := &reader{env: env, root: env.Root, names: owner.Load(env.Root), states: service.Read(ctx, env, units...), f: &f}
	f.Meta.Depend(service.Files(units...)...)
	f.SyslogNG = r.states[unitSyslogNG]
	r.journald(&f.Journald)
	r.rsyslog(&f.Rsyslog)
	r.walk()
	r.logrotate(&f.Logrotate)
	f.Meta.Took = env.Now().Sub(start)
	return f
}
