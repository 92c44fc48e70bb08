package rpm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/patch"
	"seawall/agent/facts/patch/watch"
	"seawall/pkg/dnf"
	"seawall/pkg/finding"
	"seawall/pkg/repodata"
	"seawall/pkg/rpmdb"
	"seawall/pkg/text"
)

// releaseFile tells the running kernel.
const releaseFile = "/proc/sys/kernel/osrelease"

// host is the host's files.
type host struct {
	*watch.Files
	stopped func() error
	live    bool
}

// Read reads the patch level of a host with rpm, without keeping anything.
func Read(ctx context.Context, env fact.Env) *patch.Answer {
	h := &host{Files: watch.New(env.Root), stopped: ctx.Err, live: env.Live()}
	a := &patch.Answer{Files: h.Files}
	a.Facts.Packages, a.Facts.Sources = []patch.Package{}, []patch.Source{}
	a.Dates.Reason = "the metadata was not read"

	packages, err := h.packages(&a.Facts.Meta)
	if errors.Is(err, fs.ErrNotExist) {
		a.Facts.Meta.State, a.Facts.Meta.Reason = fact.StateAbsent, "no rpm database"
		return a
	}
	a.Facts.Manager = "rpm"
	if err != nil {
		a.Empty = errors.Is(err, rpmdb.ErrEmpty)
		fail(a, "read rpm's database", err)
		return a
	}
	conf, err := h.config()
	if err != nil {
		fail(a, "read dnf's configuration", err)
		return a
	}
	a.Facts.Meta.Depend(conf.Files...)
	s := newScan(conf, packages, h.running())
	if err := s.meet(packages, h.stopped); err != nil {
		fail(a, "read dnf's configuration", err)
		a.Facts.Meta.State, a.Facts.Meta.Reason = fact.StateUnknown, "reading was stopped: "+err.Error()
		return a
	}
	h.compute(a, s)
	return a
}

// packages reads rpm's database.
func (h *host) packages(m *fact.Meta) ([]rpmdb.Package, error) {
	for _, name := range rpmdb.Files(h.Root()) {
		m.Depend(name)
		_, _ = h.Look(name) // that it is not there is remembered, too
	}
	packages, _, _, err := rpmdb.Read(h.Root())
	return packages, err
}

// config reads dnf's configuration. What it rests on is known only afterwards, so
// it is read again once that is watched.
func (h *host) config() (*dnf.Config, error) {
	conf, err := dnf.Load(h.Root())
	if err != nil {
		return nil, err
	}
	for _, name := range conf.Files {
		_, _ = h.Look(name)
	}
	return dnf.Load(h.Root())
}

// running is the release of the running kernel, "" of an image.
func (h *host) running() string {
	b, err := h.Root().ReadFile(releaseFile, 4096)
	if err != nil {
		return ""
	}
	return string(b)
}

// compute reads what the repositories publish, and judges.
func (h *host) compute(a *patch.Answer, s *scan) {
	f := &a.Facts
	f.Installed = s.installed
	f.Meta.Evidence = problems(s.conf.Problems)
	defer func() {
		a.Dates = s.dates()
		f.Sources = s.sources()
	}()
	if len(s.repos) == 0 {
		f.Meta.State, f.Meta.Reason = fact.StateUnknown, "no repository is enabled"
		return
	}
	err := s.readAll(h)
	if err == nil {
		if reason := s.missing(); reason != "" {
			f.Meta.State, f.Meta.Reason = fact.StateUnknown, text.Clean(reason, text.Limit)
			return
		}
		err = s.verdict(f, h.stopped)
	}
	if err != nil {
		f.Packages, f.OtherPending = []patch.Package{}, 0
		fail(a, "read the metadata", err)
		if stop := h.stopped(); stop != nil {
			f.Meta.State, f.Meta.Reason = fact.StateUnknown, "reading was stopped: "+stop.Error()
		}
		return
	}
	f.Meta.State = fact.StateKnown
}

const maxEvidence = 8

// problems are what could not be understood of the configuration.
func problems(all []string) []finding.Evidence {
	var out []finding.Evidence
	for _, p := range all[:min(len(all), maxEvidence)] {
		out = append(out, finding.Evidence{Text: text.Clean(p, text.Limit)})
	}
	return out
}

// fail sets the state that fits err. A format that is not read is the truth about
// this host, and no failure that may pass.
func fail(a *patch.Answer, doing string, err error) {
	m := &a.Facts.Meta
	m.Fail(doing, err)
	m.Reason = text.Clean(m.Reason, text.Limit)
	a.Failed = true
	switch {
	case errors.Is(err, rpmdb.ErrNDB), errors.Is(err, repodata.ErrUnsupported):
		m.State, a.Failed = fact.StateUnknown, false
	case m.State == fact.StateAbsent: // a file vanished between two steps
		m.State = fact.StateUnknown
	}
}

// file is an open file that ends when the reading is stopped.
type file struct {
	stopped func() error
	io.ReadCloser
}

func (f file) Read(p []byte) (int, error) {
	if err := f.stopped(); err != nil {
		return 0, err
	}
	return f.ReadCloser.Read(p)
}

// open opens a file of a repository, decompressed and compared with what repomd.xml
// says of it.
func (h *host) open(name string, d repodata.Data) (io.ReadCloser, error) {
	f, err := h.Open(name)
	if err != nil {
		return nil, err
	}
	r, err := repodata.Open(file{h.stopped, f}, d)
	if err != nil {
		f.Close()
		return nil, err
	}
	return both{r, f}, nil
}

// both closes the file below a stream, too.
type both struct {
	io.ReadCloser
	below io.Closer
}

func (b both) Close() error {
	err := b.ReadCloser.Close()
	if below := b.below.Close(); err == nil {
		err = below
	}
	return err
}

// inRepo says which repository an error is of.
func inRepo(r *repo, err error) error { return fmt.Errorf("repository %s: %w", r.ID, err) }
