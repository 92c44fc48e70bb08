package witness

import (
	"errors"
	"slices"
	"sync"

	"seawall/agent/cause"
	"seawall/agent/ruleset"
	"seawall/pkg/auditrule"
	"seawall/pkg/auditwatch"
	"seawall/pkg/kaudit"
)

// auditd is the program that makes itself the audit daemon.
const auditd = "/usr/sbin/auditd"

// rules is what we want of the kernel's rules. It is locked while they are changed.
type rules struct {
	sync.Mutex
	names   []string // to watch
	watches *auditwatch.Watches
	set     ruleset.Set
	files   string // what the files of set looked like
	state   uint64 // of the kernel's rules when ours were loaded
	loaded  auditwatch.Loaded
	failed  bool
}

// use says where rules go. The caller holds rules.
func (r *rules) use(control *kaudit.Control) { r.watches = auditwatch.New(control) }

func (r *rules) close() error {
	if r.watches == nil {
		return nil
	}
	err := r.watches.Close()
	r.watches = nil
	return err
}

// Watch says which names facts depend on. Rules follow as soon as there is a
// connection.
func (a *Source) Watch(names []string) {
	a.watched.Store(cause.Watch(names))

	a.rules.Lock()
	defer a.rules.Unlock()
	a.rules.names = names
	a.load()
}

// load puts the rules that are wanted into the kernel. The caller holds rules.
func (a *Source) load() {
	r := &a.rules
	if r.watches == nil {
		return
	}
	if files := ruleset.Look(a.cfg.Root, a.cfg.RulesDir); files != r.files {
		r.files = files
		r.set = ruleset.Load(a.cfg.Profile, a.cfg.DetectRules, a.cfg.Root, a.cfg.RulesDir)
		for _, p := range r.set.Problems {
			a.log.Warn("an audit rule is not loaded", "problem", p.String())
		}
	}
	more := r.set.Wires()
	if a.cfg.Mode == Auto {
		if start, err := auditrule.Parse("-a always,exit -F path=" + auditd + " -F perm=x -k " + auditrule.Key); err == nil {
			more = append(more, start)
		}
	}
	before := r.loaded
	var err error
	r.loaded, err = r.watches.Set(r.names, more...)
	switch {
	case errors.Is(err, kaudit.ErrLocked):
		const reason = "the audit rules are locked until reboot: ours are not loaded, changes are seen without who made them"
		if a.reason(reason) {
			a.log.Warn("audit rules are locked", "err", err)
		}
	case err != nil && !slices.Equal(before.Refused, r.loaded.Refused):
		a.log.Warn("some audit rules were refused", "err", err)
	}
	r.failed = err != nil
	if r.state, err = r.watches.State(); err != nil {
		r.state = 0
	}
}

// compare loads our rules again where somebody changed the kernel's, where the files are
// others, or where some wait for a directory.
func (a *Source) compare() {
	a.rules.Lock()
	defer a.rules.Unlock()
	r := &a.rules
	if r.watches == nil {
		return
	}
	state, err := r.watches.State()
	if err != nil || state == r.state && ruleset.Look(a.cfg.Root, a.cfg.RulesDir) == r.files && (len(r.loaded.Refused) == 0 || r.failed) {
		return
	}
	a.load()
}
