package patch

import (
	"cmp"
	"context"
	"time"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/patch/watch"
	"seawall/pkg/hostfs"
	"seawall/pkg/text"
)

// database reads one package manager's database and metadata, without keeping
// anything. Where the host has no such database the answer's state is absent.
type database = func(ctx context.Context, env fact.Env) *Answer

// Answer is what was read, and from what.
type Answer struct {
	Facts Facts        // without Metadata, Stale and first seen: the Reader fills them in
	Dates Dates        // Metadata is made of them
	Files *watch.Files // never nil: all that the answer rests on
	// Failed says that reading failed, so that the last good answer stands; a state
	// of unknown that is the truth (no security source) is no failure.
	Failed bool
	// Empty says that the database is there and names no package: a host's real
	// manager may be another.
	Empty bool
}

// attempts bounds how often files that change under the reader are read again.
const attempts = 3

// Reader reads the patch level, keeps the answer for as long as nothing that it
// was read from has changed, and the last good one beyond that. It is not for
// concurrent use.
type Reader struct {
	databases []database
	root      hostfs.Root
	ledger    string
	last      *Answer // holds as long as its files are unchanged
	good      *Answer // the last that was known
	goodAt    time.Time
	seen      Ledger
	seenFiles *watch.Files // the ledger's file as it was when seen was read
}

// NewReader returns a Reader without an answer yet. The databases are asked in
// order; the first that the host has gives the answer.
func NewReader(databases ...database) *Reader { return &Reader{databases: databases} }

// Read returns the patch level. An unchanged host costs some tens of stat calls;
// its slices are then those of the answer before and must not be changed.
func (r *Reader) Read(ctx context.Context, env fact.Env) Facts {
	start, now := time.Now(), env.Now()
	if ledger := cmp.Or(env.PendingFile, LedgerFile); r.root != env.Root || r.ledger != ledger {
		*r = Reader{databases: r.databases, root: env.Root, ledger: ledger}
	}
	a := r.answer(ctx, env)
	f := a.Facts
	switch {
	case f.Meta.State == fact.StateKnown:
		r.good, r.goodAt = a, now
	case a.Failed && r.good != nil:
		f = r.good.Facts
		f.Meta.Evidence, f.Meta.Depends = a.Facts.Meta.Evidence, a.Facts.Meta.Depends
		f.Stale = Stale{Since: RFC3339(r.goodAt), AgeSeconds: seconds(now.Sub(r.goodAt)), Reason: text.Clean(a.Facts.Meta.Reason, text.Limit)}
		a = r.good
	}
	f.Metadata = a.Dates.At(now)
	f.Packages = r.firstSeen(f.Packages, clock(&f, now))
	r.seen.Merge(f, now)
	a.Facts.Packages = f.Packages
	f.Meta.Took = time.Since(start)
	return f
}

// answer is the last answer where it still holds, else a new one.
func (r *Reader) answer(ctx context.Context, env fact.Env) *Answer {
	if r.last != nil && r.last.Files.Unchanged() {
		return r.last
	}
	r.last = nil
	var a *Answer
	for range attempts {
		a = r.pick(ctx, env)
		if ctx.Err() != nil {
			return a
		}
		if a.Files.Unchanged() {
			// What failed is read again each time: a cause outside the files (no
			// memory, too many open files) leaves no trace in them.
			if !a.Failed {
				r.last = a
			}
			return a
		}
	}
	return a
}

// pick asks the databases.
func (r *Reader) pick(ctx context.Context, env fact.Env) *Answer {
	var empty *Answer
	files := watch.New(env.Root)
	var depends []string
	for _, read := range r.databases {
		a := read(ctx, env)
		depends = append(depends, a.Facts.Meta.Depends...)
		files.Join(a.Files)
		if a.Facts.Meta.State == fact.StateAbsent || a.Empty {
			if a.Empty && empty == nil {
				empty = a
			}
			continue
		}
		a.Files = files
		a.Facts.Meta.Depend(depends...)
		return a
	}
	if empty == nil {
		empty = &Answer{Dates: Dates{Reason: "no package database"}}
		empty.Facts.Meta.State, empty.Facts.Meta.Reason = fact.StateAbsent, "no package database"
		empty.Facts.Packages, empty.Facts.Sources = []Package{}, []Source{}
		// A database that was there and is gone is being replaced, or lost.
		empty.Failed = true
	}
	empty.Files = files
	empty.Facts.Meta.Depend(depends...)
	return empty
}
