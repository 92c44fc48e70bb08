package facts

import (
	"context"
	"slices"
	"time"

	"seawall/agent/facts/accounts"
	"seawall/agent/facts/audit"
	"seawall/agent/facts/boot"
	"seawall/agent/facts/clock"
	"seawall/agent/facts/cloud"
	"seawall/agent/facts/containers"
	"seawall/agent/facts/fact"
	"seawall/agent/facts/filesystem"
	"seawall/agent/facts/firewall"
	"seawall/agent/facts/kernel"
	"seawall/agent/facts/keys"
	"seawall/agent/facts/logging"
	"seawall/agent/facts/pam"
	"seawall/agent/facts/patch"
	"seawall/agent/facts/restart"
	"seawall/agent/facts/schedule"
	"seawall/agent/facts/secrets"
	"seawall/agent/facts/servers"
	"seawall/agent/facts/sockets"
	"seawall/agent/facts/sshd"
	"seawall/agent/facts/sudo"
	"seawall/agent/facts/system"
	"seawall/agent/facts/tls"
	"seawall/agent/facts/units"
	"seawall/agent/facts/updates"
)

// How often a group is read whose facts change without a file changing. Looks at
// what an intruder changes in the kernel are worth one with each heartbeat; what
// only days change, such as the age of a password, is not.
const (
	never    = time.Duration(0) // files tell of all of it
	eachBeat = time.Second      // with each heartbeat
	often    = 5 * time.Minute
	seldom   = 15 * time.Minute
	hourly   = time.Hour // a walk through homes, most of which nothing watches
)

// group is one group of facts: where its facts stand, and who reads them.
type group struct {
	name  string
	every time.Duration // see Clocked
	read  func(context.Context, *Reader)
	meta  func(*Facts) *fact.Meta
	value func(*Facts) any
}

// bound lists every group, in the order in which people read them.
func bound() []group {
	return []group{
		bind("sshd", never, func(f *Facts) *sshd.Facts { return &f.SSHD },
			func(f *sshd.Facts) *fact.Meta { return &f.Meta }, plain(sshd.Read)),
		bind("keys", seldom, func(f *Facts) *keys.Facts { return &f.Keys },
			func(f *keys.Facts) *fact.Meta { return &f.Meta }, plain(keys.Read)),
		bind("accounts", seldom, func(f *Facts) *accounts.Facts { return &f.Accounts },
			func(f *accounts.Facts) *fact.Meta { return &f.Meta }, plain(accounts.Read)),
		bind("sudo", never, func(f *Facts) *sudo.Facts { return &f.Sudo },
			func(f *sudo.Facts) *fact.Meta { return &f.Meta }, plain(sudo.Read)),
		bind("pam", never, func(f *Facts) *pam.Facts { return &f.PAM },
			func(f *pam.Facts) *fact.Meta { return &f.Meta }, plain(pam.Read)),
		bind("audit", eachBeat, func(f *Facts) *audit.Facts { return &f.Audit },
			func(f *audit.Facts) *fact.Meta { return &f.Meta }, plain(audit.Read)),
		bind("firewall", eachBeat, func(f *Facts) *firewall.Facts { return &f.Firewall },
			func(f *firewall.Facts) *fact.Meta { return &f.Meta }, (*Reader).readFirewall),
		bind("sockets", eachBeat, func(f *Facts) *sockets.Facts { return &f.Sockets },
			func(f *sockets.Facts) *fact.Meta { return &f.Meta }, (*Reader).readSockets),
		bind("servers", often, func(f *Facts) *servers.Facts { return &f.Servers },
			func(f *servers.Facts) *fact.Meta { return &f.Meta }, plain(servers.Read)),
		bind("units", eachBeat, func(f *Facts) *units.Facts { return &f.Units },
			func(f *units.Facts) *fact.Meta { return &f.Meta }, plain(units.Read)),
		bind("patch", eachBeat, func(f *Facts) *patch.Facts { return &f.Patch },
			func(f *patch.Facts) *fact.Meta { return &f.Meta }, (*Reader).readPatch),
		bind("restart", eachBeat, func(f *Facts) *restart.Facts { return &f.Restart },
			func(f *restart.Facts) *fact.Meta { return &f.Meta }, (*Reader).readRestart),
		bind("updates", often, func(f *Facts) *updates.Facts { return &f.Updates },
			func(f *updates.Facts) *fact.Meta { return &f.Meta }, plain(updates.Read)),
		bind("system", eachBeat, func(f *Facts) *system.Facts { return &f.System },
			func(f *system.Facts) *fact.Meta { return &f.Meta }, plain(system.Read)),
		bind("kernel", eachBeat, func(f *Facts) *kernel.Facts { return &f.Kernel },
			func(f *kernel.Facts) *fact.Meta { return &f.Meta }, (*Reader).readKernel),
		bind("boot", never, func(f *Facts) *boot.Facts { return &f.Boot },
			func(f *boot.Facts) *fact.Meta { return &f.Meta }, plain(boot.Read)),
		bind("filesystem", often, func(f *Facts) *filesystem.Facts { return &f.Filesystem },
			func(f *filesystem.Facts) *fact.Meta { return &f.Meta }, (*Reader).readFilesystem),
		bind("logging", often, func(f *Facts) *logging.Facts { return &f.Logging },
			func(f *logging.Facts) *fact.Meta { return &f.Meta }, plain(logging.Read)),
		bind("clock", often, func(f *Facts) *clock.Facts { return &f.Clock },
			func(f *clock.Facts) *fact.Meta { return &f.Meta }, plain(clock.Read)),
		bind("schedule", seldom, func(f *Facts) *schedule.Facts { return &f.Schedule },
			func(f *schedule.Facts) *fact.Meta { return &f.Meta }, plain(schedule.Read)),
		bind("containers", often, func(f *Facts) *containers.Facts { return &f.Containers },
			func(f *containers.Facts) *fact.Meta { return &f.Meta }, plain(containers.Read)),
		bind("tls", seldom, func(f *Facts) *tls.Facts { return &f.TLS },
			func(f *tls.Facts) *fact.Meta { return &f.Meta }, plain(tls.Read)),
		bind("secrets", hourly, func(f *Facts) *secrets.Facts { return &f.Secrets },
			func(f *secrets.Facts) *fact.Meta { return &f.Meta }, (*Reader).readSecrets),
		bind("cloud", seldom, func(f *Facts) *cloud.Facts { return &f.Cloud },
			func(f *cloud.Facts) *fact.Meta { return &f.Meta }, plain(cloud.Read)),
	}
}

// bind ties a reader to the place of its facts.
func bind[F any](name string, every time.Duration, place func(*Facts) *F, meta func(*F) *fact.Meta,
	read func(*Reader, context.Context, fact.Env) F) group {
	return group{
		name:  name,
		every: every,
		read: func(ctx context.Context, r *Reader) {
			keep(ctx, r, name, place(&r.facts), meta, func(ctx context.Context, env fact.Env) F { return read(r, ctx, env) })
		},
		meta:  func(f *Facts) *fact.Meta { return meta(place(f)) },
		value: func(f *Facts) any { return *place(f) },
	}
}

// plain is a reader that keeps nothing from one reading to the next.
func plain[F any](read func(context.Context, fact.Env) F) func(*Reader, context.Context, fact.Env) F {
	return func(_ *Reader, ctx context.Context, env fact.Env) F { return read(ctx, env) }
}

func (r *Reader) readPatch(ctx context.Context, env fact.Env) patch.Facts {
	return r.patch.Read(ctx, env)
}

func (r *Reader) readRestart(ctx context.Context, env fact.Env) restart.Facts {
	return r.restart.Read(ctx, env)
}

func (r *Reader) readFilesystem(ctx context.Context, env fact.Env) filesystem.Facts {
	return r.filesystem.Read(ctx, env)
}

func (r *Reader) readSecrets(ctx context.Context, env fact.Env) secrets.Facts {
	return r.secrets.Read(ctx, env)
}

func (r *Reader) readFirewall(ctx context.Context, env fact.Env) firewall.Facts {
	return firewall.Read(ctx, env, r.network)
}

func (r *Reader) readSockets(ctx context.Context, env fact.Env) sockets.Facts {
	return sockets.Read(ctx, env, r.network)
}

func (r *Reader) readKernel(ctx context.Context, env fact.Env) kernel.Facts {
	return kernel.Read(ctx, env, r.network.Sysctl)
}

// find returns the group of a name among all.
func find(all []group, name string) (group, bool) {
	i := slices.IndexFunc(all, func(g group) bool { return g.name == name })
	if i < 0 {
		return group{}, false
	}
	return all[i], true
}
