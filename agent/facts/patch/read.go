package patch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"seawall/agent/facts/fact"
	"seawall/pkg/apt"
	"seawall/pkg/deb822"
	"seawall/pkg/dpkg"
	"seawall/pkg/finding"
	"seawall/pkg/hostfs"
	"seawall/pkg/text"
)

// Reader reads the patch level and keeps the answer for as long as nothing that
// it was read from has changed. It is not for concurrent use.
type Reader struct {
	last *answer
}

// answer is what was read, and from what.
type answer struct {
	facts Facts
	fresh freshness
	files *watched
	root  hostfs.Root
}

// NewReader returns a Reader without an answer yet.
func NewReader() *Reader { return new(Reader) }

// Read returns the patch level. An unchanged host costs some tens of stat calls;
// its slices are then those of the answer before and must not be changed.
func (r *Reader) Read(ctx context.Context, env fact.Env) Facts {
	start := time.Now()
	a := r.last
	if a == nil || a.root != env.Root || !a.files.unchanged() {
		a = read(ctx, env)
		r.last = nil
		// What is broken is read again each time: a cause outside the files (no
		// memory, too many open files) leaves no trace in them.
		if a.facts.Meta.State != fact.StateError {
			r.last = a
		}
	}
	f := a.facts
	f.Metadata = a.fresh.at(env.Now())
	f.Meta.Took = time.Since(start)
	return f
}

// Read returns the patch level without keeping anything.
func Read(ctx context.Context, env fact.Env) Facts { return NewReader().Read(ctx, env) }

func depends() []string {
	return []string{dpkg.StatusFile, dpkg.ArchFile, etcDir, listsDir, "/var/lib/apt/periodic/", "/etc/machine-id", esmBase + "/"}
}

// rpmDatabases are the places of rpm's database.
func rpmDatabases() []string {
	return []string{"/var/lib/rpm/rpmdb.sqlite", "/var/lib/rpm/Packages", "/usr/lib/sysimage/rpm/rpmdb.sqlite", "/usr/lib/sysimage/rpm/Packages.db"}
}

func read(ctx context.Context, env fact.Env) *answer {
	a := &answer{files: newWatched(env.Root), root: env.Root}
	f := &a.facts
	f.Packages, f.Sources = []Package{}, []Source{}
	f.Meta.Depend(depends()...)
	a.fresh.reason = "the package lists were not read"

	packages, err := a.files.status()
	rpm := slices.ContainsFunc(rpmDatabases(), func(name string) bool { _, err := a.files.look(name); return err == nil })
	missing := errors.Is(err, fs.ErrNotExist) || errors.Is(err, dpkg.ErrEmpty)
	switch {
	case missing && rpm:
		f.Meta.State, f.Meta.Reason = fact.StateUnknown, "rpm is not read yet"
		f.Meta.Depend(rpmDatabases()...)
		return a
	case errors.Is(err, fs.ErrNotExist):
		f.Meta.State, f.Meta.Reason = fact.StateAbsent, "no dpkg database"
		return a
	case err != nil:
		f.fail("read "+dpkg.StatusFile, dpkg.StatusFile, err)
		return a
	}
	f.Manager = "dpkg"
	s, err := a.files.setup(packages)
	if err != nil {
		f.fail("read apt's configuration", "", err)
		return a
	}
	a.compute(ctx, env, newScan(s, packages))
	return a
}

// compute reads the lists, security pockets first, and judges.
func (a *answer) compute(ctx context.Context, env fact.Env, s *scan) {
	f := &a.facts
	a.fresh = newFreshness(a.files, s.archives, env.Live())
	defer func() { f.Sources = s.sources() }()
	if reason := s.missing(); reason != "" {
		f.Meta.State, f.Meta.Reason = fact.StateUnknown, text.Clean(reason, text.Limit)
		return
	}
	if err := s.readAll(ctx, a.files, true); err != nil {
		f.fail("read the security updates", "", err)
		if errors.Is(err, apt.ErrUnsupported) || ctx.Err() != nil {
			f.Meta.State = fact.StateUnknown
		}
		return
	}
	// What is wrong with the other lists stands with their source.
	if err := s.readAll(ctx, a.files, false); err != nil && ctx.Err() != nil {
		f.Meta.State, f.Meta.Reason = fact.StateUnknown, "reading was stopped: "+err.Error()
		return
	}
	s.verdict(f)
	f.Meta.State = fact.StateKnown
}

// readAll reads the lists of the security pockets, or those of all others. The
// errors are noted with the archives too.
func (s *scan) readAll(ctx context.Context, w *watched, security bool) error {
	var all error
	for _, a := range s.archives {
		if a.release == nil || a.reason != "" || a.release.Security() != security {
			continue
		}
		if err := s.read(ctx, w, a); err != nil {
			a.reason = err.Error()
			if !a.locked {
				all = errors.Join(all, err)
			}
		}
	}
	return all
}

// missing says why the security updates cannot be known, "" where they can.
func (s *scan) missing() string {
	own, securities, lists := 0, 0, 0
	var broken *archive
	for _, a := range s.archives {
		if a.locked {
			continue
		}
		own++
		lists += len(a.lists)
		if !a.security() {
			continue
		}
		securities++
		if len(a.lists) == 0 {
			broken = a
		}
	}
	switch {
	case own == 0:
		return "no package source is configured"
	case lists == 0:
		return "no package lists: they were never fetched, or were removed"
	case broken != nil:
		return fmt.Sprintf("security source %s %s (%s line %d): %s", broken.PublicURI(), broken.Suite, broken.File, broken.Line, broken.reason)
	case securities == 0:
		return fmt.Sprintf("none of the %d configured sources is a security source", own)
	}
	return ""
}

// security reports whether the vendor's security updates come from the archive,
// those that need a subscription apart. Without its Release file its name tells.
func (a *archive) security() bool {
	if a.release == nil {
		return strings.HasSuffix(a.Suite, "-security") || strings.HasSuffix(a.Suite, "/updates")
	}
	return a.release.Security() && !a.release.ESM()
}

// status reads the package database.
func (w *watched) status() ([]dpkg.Package, error) {
	f, err := w.open(dpkg.StatusFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return dpkg.Read(f)
}

// fail sets the state that fits err, and the line it names as evidence.
func (f *Facts) fail(doing, file string, err error) {
	f.Meta.Fail(doing, err)
	f.Meta.Reason = text.Clean(f.Meta.Reason, text.Limit)
	if f.Meta.State == fact.StateAbsent { // a file vanished between two steps
		f.Meta.State = fact.StateUnknown
	}
	var conf *apt.ConfigError
	var syntax *deb822.SyntaxError
	switch {
	case errors.As(err, &conf):
		f.Meta.Evidence = []finding.Evidence{{File: conf.File, Line: conf.Line, Text: text.Clean(conf.Text, text.Limit)}}
	case errors.As(err, &syntax) && file != "":
		f.Meta.Evidence = []finding.Evidence{{File: file, Line: syntax.Line, Text: text.Clean(syntax.Text, text.Limit)}}
	}
}

func (s *scan) sources() []Source {
	all := make([]Source, 0, len(s.archives))
	for _, a := range s.archives {
		out := Source{
			URI: text.Clean(a.PublicURI(), text.Limit), Suite: text.Clean(a.Suite, maxWord), File: a.File, Line: a.Line,
			Lists: len(a.lists), Reason: text.Clean(a.reason, text.Limit),
		}
		if r := a.release; r != nil {
			out.Security = r.Security()
			out.Origin, out.Label = text.Clean(r.Origin, maxWord), text.Clean(r.Label, maxWord)
			out.Archive = text.Clean(r.Suite, maxWord)
			out.Date = rfc3339(r.Date)
		}
		if a.locked && out.Reason == "" {
			out.Reason = "Ubuntu Pro is not enabled"
		}
		all = append(all, out)
	}
	return all
}
