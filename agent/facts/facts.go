package facts

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"seawall/agent/facts/accounts"
	"seawall/agent/facts/audit"
	"seawall/agent/facts/boot"
	"seawall/agent/facts/clock"
	"seawall/agent/facts/cloud"
	"seawall/agent/facts/containers"
	"seawall/agent/facts/exposure"
	"seawall/agent/facts/fact"
	"seawall/agent/facts/filesystem"
	"seawall/agent/facts/firewall"
	"seawall/agent/facts/kernel"
	"seawall/agent/facts/keys"
	"seawall/agent/facts/logging"
	"seawall/agent/facts/pam"
	"seawall/agent/facts/patch"
	"seawall/agent/facts/patch/deb"
	"seawall/agent/facts/patch/rpm"
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
	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// Facts is everything that is known of a host. A group that was not read has the
// zero Meta. Whoever holds a Facts must not change what it points to.
type Facts struct {
	SSHD       sshd.Facts       `json:"sshd"`
	Keys       keys.Facts       `json:"keys"`
	Accounts   accounts.Facts   `json:"accounts"`
	Sudo       sudo.Facts       `json:"sudo"`
	PAM        pam.Facts        `json:"pam"`
	Audit      audit.Facts      `json:"audit"`
	Firewall   firewall.Facts   `json:"firewall"`
	Sockets    sockets.Facts    `json:"sockets"`
	Servers    servers.Facts    `json:"servers"`
	Units      units.Facts      `json:"units"`
	Patch      patch.Facts      `json:"patch"`
	Restart    restart.Facts    `json:"restart"`
	Updates    updates.Facts    `json:"updates"`
	System     system.Facts     `json:"system"`
	Kernel     kernel.Facts     `json:"kernel"`
	Boot       boot.Facts       `json:"boot"`
	Filesystem filesystem.Facts `json:"filesystem"`
	Logging    logging.Facts    `json:"logging"`
	Clock      clock.Facts      `json:"clock"`
	Schedule   schedule.Facts   `json:"schedule"`
	Containers containers.Facts `json:"containers"`
	TLS        tls.Facts        `json:"tls"`
	Secrets    secrets.Facts    `json:"secrets"`
	Cloud      cloud.Facts      `json:"cloud"`
}

// Groups names the groups in the order in which people read them.
func Groups() []string { return names(bound()) }

// Clocked names the groups that change without a file changing: by the clock, in
// the kernel, in a service's state; and how often each is worth a look because of
// that.
func Clocked() map[string]time.Duration {
	every := map[string]time.Duration{}
	for _, g := range bound() {
		if g.every != never {
			every[g.name] = g.every
		}
	}
	return every
}

func names(groups []group) []string {
	list := make([]string, len(groups))
	for i, g := range groups {
		list[i] = g.name
	}
	return list
}

// maxReading bounds how many groups are read at once, and so what memory files made to
// take it get.
const maxReading = 4

// Reader reads facts from one host and keeps the last answer of each group. Its
// methods may be called from any goroutine.
type Reader struct {
	env    fact.Env
	groups []group

	slots      chan struct{} // one for each group that is being read
	reading    sync.Mutex    // held while groups are read: readers are not reentrant
	patch      *patch.Reader
	restart    *restart.Reader
	filesystem *filesystem.Reader
	secrets    *secrets.Reader
	network    *exposure.Reader // of two groups: they share a look

	mu    sync.Mutex
	facts Facts
}

// NewReader returns a Reader of the host that env stands for. Nothing is read yet.
func NewReader(env fact.Env) *Reader {
	return &Reader{env: env, slots: make(chan struct{}, maxReading), groups: bound(), patch: patch.NewReader(deb.New(), rpm.Read), restart: restart.NewReader(restart.Socket),
		filesystem: filesystem.NewReader(), secrets: secrets.NewReader(), network: exposure.NewReader(exposure.SocketPath)}
}

// Read reads the named groups again, all of them when none is named, and returns
// the facts. An unknown name is ignored: Groups is the list of names.
func (r *Reader) Read(ctx context.Context, groups ...string) Facts {
	r.reading.Lock()
	defer r.reading.Unlock()
	if len(groups) == 0 {
		groups = Groups()
	}
	var wg sync.WaitGroup
	for _, g := range slices.Compact(slices.Sorted(slices.Values(groups))) {
		wg.Go(func() {
			r.slots <- struct{}{}
			defer func() { <-r.slots }()
			r.readGroup(ctx, g)
		})
	}
	wg.Wait()
	return r.Facts()
}

func (r *Reader) readGroup(ctx context.Context, name string) {
	if g, ok := find(r.groups, name); ok {
		g.read(ctx, r)
	}
}

// keep runs one reader and puts its answer in place. What a panicking reader
// depended on before is kept, so that a change still makes it run again.
func keep[F any](ctx context.Context, r *Reader, name string, place *F, meta func(*F) *fact.Meta,
	read func(context.Context, fact.Env) F) {
	var got F
	start := time.Now()
	defer func() {
		m := meta(&got)
		p := recover()
		r.mu.Lock()
		defer r.mu.Unlock()
		if p != nil {
			var zero F
			got = zero
			m.State = fact.StateError
			m.Reason = fmt.Sprintf("the reader of %s facts broke down: %v", name, p)
			m.Evidence = []finding.Evidence{{Text: text.Clean(debug.Stack(), text.Limit)}}
			m.Depends = meta(place).Depends
		}
		if m.Took == 0 {
			m.Took = time.Since(start)
		}
		*place = got
	}()
	got = read(ctx, r.env)
}

// Facts returns what was last read.
func (r *Reader) Facts() Facts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.facts
}

// Affected names the groups that a change of path, an absolute name on the host,
// makes stale: it is one of a group's names, below one of its directories, or a
// directory above one of its names (renamed or deleted with what is in it).
func (r *Reader) Affected(path string) []string {
	f := r.Facts()
	var names []string
	for _, g := range r.groups {
		if slices.ContainsFunc(g.meta(&f).Depends, func(d string) bool { return touches(path, d) }) {
			names = append(names, g.name)
		}
	}
	return names
}

// touches reports whether a change of path can change what is read from dep.
func touches(path, dep string) bool {
	path = strings.TrimRight(path, "/")
	name, dir := strings.CutSuffix(dep, "/")
	if name == "" {
		return dir // the whole host
	}
	return path == name || dir && below(path, name) || below(name, path)
}

// below reports whether name lies inside the directory dir.
func below(name, dir string) bool {
	return len(name) > len(dir) && name[len(dir)] == '/' && strings.HasPrefix(name, dir)
}

// Depends lists every name that any group depends on, sorted, each once.
func (r *Reader) Depends() []string {
	f := r.Facts()
	var all []string
	for _, g := range r.groups {
		all = append(all, g.meta(&f).Depends...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Meta returns what the reader of the named group says of its reading, the zero
// Meta for an unknown name.
func (f *Facts) Meta(name string) fact.Meta {
	g, ok := find(bound(), name)
	if !ok {
		return fact.Meta{}
	}
	return *g.meta(f)
}

// Group returns the facts of the named group, nil for an unknown name.
func (f *Facts) Group(name string) any {
	g, ok := find(bound(), name)
	if !ok {
		return nil
	}
	return g.value(f)
}
