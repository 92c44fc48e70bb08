package facts

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"seawall/agent/facts/audit"
	"seawall/agent/facts/fact"
	"seawall/agent/facts/patch"
	"seawall/agent/facts/patch/deb"
	"seawall/agent/facts/patch/rpm"
	"seawall/agent/facts/restart"
	"seawall/agent/facts/sshd"
	"seawall/agent/facts/system"
	"seawall/agent/facts/updates"
	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// Facts is everything that is known of a host. A group that was not read has the
// zero Meta. Whoever holds a Facts must not change what it points to.
type Facts struct {
	SSHD    sshd.Facts    `json:"sshd"`
	Patch   patch.Facts   `json:"patch"`
	System  system.Facts  `json:"system"`
	Audit   audit.Facts   `json:"audit"`
	Restart restart.Facts `json:"restart"`
	Updates updates.Facts `json:"updates"`
}

// Groups names the groups in the order in which people read them.
func Groups() []string { return []string{"sshd", "patch", "system", "audit", "restart", "updates"} }

// Reader reads facts from one host and keeps the last answer of each group. Its
// methods may be called from any goroutine.
type Reader struct {
	env fact.Env

	reading sync.Mutex // held while groups are read: readers are not reentrant
	patch   *patch.Reader
	restart *restart.Reader

	mu    sync.Mutex
	facts Facts
}

// NewReader returns a Reader of the host that env stands for. Nothing is read yet.
func NewReader(env fact.Env) *Reader {
	return &Reader{env: env, patch: patch.NewReader(deb.New(), rpm.Read), restart: restart.NewReader(restart.Socket)}
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
		wg.Go(func() { r.readGroup(ctx, g) })
	}
	wg.Wait()
	return r.Facts()
}

func (r *Reader) readGroup(ctx context.Context, name string) {
	switch name {
	case "sshd":
		keep(ctx, r, name, &r.facts.SSHD, func(f *sshd.Facts) *fact.Meta { return &f.Meta }, sshd.Read)
	case "patch":
		keep(ctx, r, name, &r.facts.Patch, func(f *patch.Facts) *fact.Meta { return &f.Meta }, r.patch.Read)
	case "system":
		keep(ctx, r, name, &r.facts.System, func(f *system.Facts) *fact.Meta { return &f.Meta }, system.Read)
	case "audit":
		keep(ctx, r, name, &r.facts.Audit, func(f *audit.Facts) *fact.Meta { return &f.Meta }, audit.Read)
	case "restart":
		keep(ctx, r, name, &r.facts.Restart, func(f *restart.Facts) *fact.Meta { return &f.Meta }, r.restart.Read)
	case "updates":
		keep(ctx, r, name, &r.facts.Updates, func(f *updates.Facts) *fact.Meta { return &f.Meta }, updates.Read)
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
	for _, g := range Groups() {
		if slices.ContainsFunc(f.Meta(g).Depends, func(d string) bool { return touches(path, d) }) {
			names = append(names, g)
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
	for _, g := range Groups() {
		all = append(all, f.Meta(g).Depends...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Meta returns what the reader of the named group says of its reading, the zero
// Meta for an unknown name.
func (f *Facts) Meta(group string) fact.Meta {
	switch group {
	case "sshd":
		return f.SSHD.Meta
	case "patch":
		return f.Patch.Meta
	case "system":
		return f.System.Meta
	case "audit":
		return f.Audit.Meta
	case "restart":
		return f.Restart.Meta
	case "updates":
		return f.Updates.Meta
	}
	return fact.Meta{}
}

// Group returns the facts of the named group, nil for an unknown name.
func (f *Facts) Group(name string) any {
	switch name {
	case "sshd":
		return f.SSHD
	case "patch":
		return f.Patch
	case "system":
		return f.System
	case "audit":
		return f.Audit
	case "restart":
		return f.Restart
	case "updates":
		return f.Updates
	}
	return nil
}
