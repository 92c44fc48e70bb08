package deb

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/patch"
	"seawall/agent/facts/patch/watch"
	"seawall/pkg/apt"
	"seawall/pkg/apt/conf"
	"seawall/pkg/deb822"
	"seawall/pkg/dpkg"
	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// host is the host's files.
type host struct{ *watch.Files }

// answer is what is being read.
type answer struct{ *patch.Answer }

// depends leaves dpkg's journal out: it changes with every step of an upgrade, and
// the status file at its end.
func depends() []string {
	return []string{dpkg.StatusFile, dpkg.ArchFile, etcDir, listsDir, "/var/lib/apt/periodic/", "/etc/machine-id", esmBase + "/"}
}

// Read reads the patch level of a host with dpkg, without keeping anything.
func Read(ctx context.Context, env fact.Env) *patch.Answer {
	a, _ := readWith(ctx, env, nil)
	return a
}

// readWith reads with what was kept before, and returns what there is to keep, nil
// where no list was read.
func readWith(ctx context.Context, env fact.Env, before *memory) (*patch.Answer, *memory) {
	w := &host{watch.New(env.Root)}
	a := &answer{&patch.Answer{Files: w.Files}}
	f := &a.Facts
	f.Packages, f.Sources = []patch.Package{}, []patch.Source{}
	f.Meta.Depend(depends()...)
	a.Dates.Reason = "the package lists were not read"

	packages, err := w.status()
	if errors.Is(err, fs.ErrNotExist) {
		f.Meta.State, f.Meta.Reason = fact.StateAbsent, "no dpkg database"
		return a.Answer, nil
	}
	if err != nil {
		a.fail("read "+dpkg.StatusFile, dpkg.StatusFile, err)
		a.Empty = errors.Is(err, dpkg.ErrEmpty)
		return a.Answer, nil
	}
	f.Manager = "dpkg"
	s, err := w.setup(packages)
	if err != nil {
		a.fail("read apt's configuration", "", err)
		if errors.Is(err, errElsewhere) {
			f.Meta.State, a.Failed = fact.StateUnknown, false
		}
		return a.Answer, nil
	}
	sc, err := newScan(s, packages)
	if err != nil {
		a.fail("read "+dpkg.StatusFile, "", err)
		return a.Answer, nil
	}
	sc.before, sc.kept = before, sc.newMemory(w.Files)
	a.compute(ctx, w, sc, env.Live())
	return a.Answer, sc.kept
}

// compute reads the lists, security pockets first, and judges.
func (a *answer) compute(ctx context.Context, w *host, s *scan, live bool) {
	f := &a.Facts
	a.Dates = w.dates(s.archives, live)
	defer func() { f.Sources = s.sources() }()
	if err := s.broken(); err != nil {
		a.fail("read the security updates", "", err)
		return
	}
	if reason := s.missing(); reason != "" {
		f.Meta.State, f.Meta.Reason = fact.StateUnknown, text.Clean(reason, text.Limit)
		return
	}
	if err := s.readAll(ctx, w, true); err != nil {
		a.fail("read the security updates", "", err)
		if errors.Is(err, apt.ErrUnsupported) || ctx.Err() != nil {
			f.Meta.State, a.Failed = fact.StateUnknown, ctx.Err() != nil
		}
		return
	}
	// What is wrong with the other lists stands with their source.
	if err := s.readAll(ctx, w, false); err != nil && ctx.Err() != nil {
		f.Meta.State, f.Meta.Reason, a.Failed = fact.StateUnknown, "reading was stopped: "+err.Error(), true
		return
	}
	s.verdict(f)
	f.Meta.State = fact.StateKnown
}

// readAll reads the lists of the security pockets, or those of all others. The
// errors are noted with the archives too.
func (s *scan) readAll(ctx context.Context, w *host, security bool) error {
	var all error
	for order, a := range s.archives {
		if a.release == nil || a.reason != "" || a.release.Security() != security {
			continue
		}
		if err := s.read(ctx, w, a, order); err != nil {
			a.reason = err.Error()
			if !a.locked {
				all = errors.Join(all, err)
			}
		}
	}
	return all
}

// broken is what is damaged of a security source's Release file.
func (s *scan) broken() error {
	for _, a := range s.archives {
		if a.err != nil && !a.locked && a.security() {
			return a.err
		}
	}
	return nil
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
		if len(a.lists) == 0 || a.lack != "" {
			broken = a
		}
	}
	switch {
	case own == 0:
		return "no package source is configured"
	case lists == 0:
		return "no package lists: they were never fetched, or were removed"
	case broken != nil:
		return fmt.Sprintf("security source %s %s (%s line %d): %s", broken.PublicURI(), broken.Suite, broken.File, broken.Line, cmp.Or(broken.reason, broken.lack))
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
func (w *host) status() ([]dpkg.Package, error) {
	f, err := w.Open(dpkg.StatusFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := dpkg.Read(f)
	if err != nil {
		return nil, err
	}
	steps, err := w.journal()
	return dpkg.Apply(all, steps), err
}

// journal reads what dpkg did since it wrote the status file.
func (w *host) journal() ([]dpkg.Package, error) {
	names, err := w.ReadDir(dpkg.JournalDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if names, err = dpkg.Journal(names); err != nil {
		return nil, err
	}
	var steps []dpkg.Package
	room := dpkg.MaxStatus
	for _, name := range names {
		name = dpkg.JournalDir + "/" + name
		text, err := w.ReadFile(name, 0)
		if errors.Is(err, fs.ErrNotExist) { // merged into the status file meanwhile
			return nil, fmt.Errorf("%s vanished while it was read", name)
		}
		if err != nil {
			return nil, err
		}
		if room -= len(text); room < 0 {
			return nil, fmt.Errorf("%s: larger than %d bytes", dpkg.JournalDir, dpkg.MaxStatus)
		}
		p, err := dpkg.Read(bytes.NewReader(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		steps = append(steps, p...)
	}
	return steps, nil
}

// fail sets the state that fits err, and the line it names as evidence.
func (a *answer) fail(doing, file string, err error) {
	f := &a.Facts
	a.Failed = true
	f.Meta.Fail(doing, err)
	f.Meta.Reason = text.Clean(f.Meta.Reason, text.Limit)
	if f.Meta.State == fact.StateAbsent { // a file vanished between two steps
		f.Meta.State = fact.StateUnknown
	}
	var config *apt.ConfigError
	var setting *conf.SyntaxError
	var syntax *deb822.SyntaxError
	switch {
	case errors.As(err, &config):
		f.Meta.Evidence = []finding.Evidence{{File: config.File, Line: config.Line, Text: text.Clean(config.Text, text.Limit)}}
	case errors.As(err, &setting):
		f.Meta.Evidence = []finding.Evidence{{File: setting.File, Line: setting.Line, Text: text.Clean(setting.Text, text.Limit)}}
	case errors.As(err, &syntax) && file != "":
		f.Meta.Evidence = []finding.Evidence{{File: file, Line: syntax.Line, Text: text.Clean(syntax.Text, text.Limit)}}
	}
}

func (s *scan) sources() []patch.Source {
	all := make([]patch.Source, 0, len(s.archives))
	for _, a := range s.archives {
		out := patch.Source{
			URI: text.Clean(a.PublicURI(), text.Limit), Suite: text.Clean(a.Suite, maxWord), File: a.File, Line: a.Line,
			Lists: len(a.lists), Reason: text.Clean(cmp.Or(a.reason, a.lack), text.Limit),
			Refreshed: patch.RFC3339(a.put), Error: text.Clean(a.failed, text.Limit),
		}
		if r := a.release; r != nil {
			out.Security = r.Security()
			out.Origin, out.Label = text.Clean(r.Origin, maxWord), text.Clean(r.Label, maxWord)
			out.Archive = text.Clean(r.Suite, maxWord)
			out.Date = patch.RFC3339(r.Date)
		}
		if a.locked && out.Reason == "" {
			out.Reason = "Ubuntu Pro is not enabled"
		}
		all = append(all, out)
	}
	return all
}
