package rpm

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"seawall/agent/facts/patch"
	"seawall/pkg/dnf"
	"seawall/pkg/repodata"
	"seawall/pkg/text"
)

// repo is an enabled repository and what the cache has of it.
type repo struct {
	*dnf.Repo
	md        *repodata.MD
	mdFile    string
	published time.Time
	refreshed time.Time
	lists     int
	security  bool   // it publishes advisories
	core      bool   // it offers packages that the system is made of
	reason    string // why it cannot be used
}

// kinds are what is read of a repository.
const (
	kindModules  = "modules"
	kindAdvisory = "updateinfo"
	kindPrimary  = "primary"
)

// readAll reads what the enabled repositories publish: all modules before any
// advisory, for one repository's defaults decide about another's advisories.
func (s *scan) readAll(h *host) error {
	for _, r := range s.repos {
		if err := h.readMD(r); err != nil {
			return inRepo(r, err)
		}
	}
	steps := []struct {
		kind string
		read func(r *repo, in io.Reader) error
	}{
		{kindModules, func(_ *repo, in io.Reader) error { return s.modules.read(in, s.want) }},
		{kindAdvisory, s.readAdvisories},
		{kindPrimary, s.readPrimary},
	}
	for _, step := range steps {
		if step.kind == kindAdvisory {
			s.modules.settle(s.conf.Modules, s.labels)
		}
		for _, r := range s.repos {
			if r.md == nil {
				continue
			}
			if err := h.readKind(r, step.kind, step.read); err != nil {
				r.reason = err.Error()
				return inRepo(r, err)
			}
		}
	}
	return nil
}

// readMD reads the repomd.xml of the first folder that has one. That there is none
// is no error, and said in r.reason.
func (h *host) readMD(r *repo) error {
	for _, dir := range r.Folders {
		name := dir + "/repodata/repomd.xml"
		f, err := h.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			r.reason = err.Error()
			return err
		}
		md, err := repodata.ParseMD(f)
		f.Close()
		if err != nil {
			r.reason = fmt.Sprintf("%s: %v", name, err)
			return fmt.Errorf("%s: %w", name, err)
		}
		r.published = md.Published()
		maps.DeleteFunc(md.Data, func(kind string, _ repodata.Data) bool {
			kind, _, _ = strings.Cut(kind, "_")
			return kind != kindModules && kind != kindAdvisory && kind != kindPrimary
		})
		r.md, r.mdFile = md, name
		return nil
	}
	r.reason = "nothing is in the cache: it was never fetched, or was removed"
	return nil
}

// readKind reads the files of a kind, the first that exists; that a repository has
// none of the kind is no error, but for what it offers.
func (h *host) readKind(r *repo, kind string, read func(*repo, io.Reader) error) error {
	files := r.md.Pick(kind)
	if len(files) == 0 {
		if kind == kindPrimary {
			return fmt.Errorf("%s names no %s: %w", r.mdFile, kind, repodata.ErrDamaged)
		}
		return nil
	}
	for _, d := range files {
		// dnf keeps the files in one folder, whatever their place in the repository.
		name := path.Dir(r.mdFile) + "/" + path.Base(d.Href)
		in, err := h.open(name, d)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = read(r, in)
			in.Close()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		r.lists++
		r.security = r.security || kind == kindAdvisory
		if kind == kindPrimary {
			r.refreshed = h.refreshed(name)
		}
		return nil
	}
	return fmt.Errorf("%s names %s and it is not in the cache: %w", r.mdFile, path.Base(files[0].Href), fs.ErrNotExist)
}

// refreshed is when dnf last learned that what it has is what the repository
// publishes: it touches the file then. In an image the file's own time is all that
// is left of it; on a running host its ctime cannot be the server's.
func (h *host) refreshed(name string) time.Time {
	fi, err := h.Look(name)
	if err != nil {
		return time.Time{}
	}
	if st, ok := fi.Sys().(*syscall.Stat_t); ok && h.live {
		return time.Unix(st.Ctim.Unix())
	}
	return fi.ModTime()
}

// isCore reports whether every system of this kind has the package from its vendor.
func isCore(name string) bool {
	switch name {
	case "glibc", "bash", "systemd", "filesystem", "setup", "coreutils", "rpm", "openssl-libs", "util-linux",
		"kernel", "kernel-core", "kernel-uek-core", "shadow-utils", "pam", "zlib", "zlib-ng-compat":
		return true
	}
	return false
}

// family is the word that the .repo files of one vendor begin with.
func family(r *repo) string {
	name := path.Base(r.File)
	if i := strings.IndexAny(name, "-_."); i > 0 {
		name = name[:i]
	}
	return strings.ToLower(name)
}

// vendors are the repositories of the system's vendor.
func (s *scan) vendors() []*repo {
	families := map[string]bool{}
	for _, r := range s.repos {
		if r.core {
			families[family(r)] = true
		}
	}
	if len(families) == 0 {
		return s.repos
	}
	var out []*repo
	for _, r := range s.repos {
		if r.core || families[family(r)] {
			out = append(out, r)
		}
	}
	return out
}

// missing says why the security updates cannot be known, "" where they can.
func (s *scan) missing() string {
	vendors := s.vendors()
	for _, r := range vendors {
		if r.md == nil {
			return fmt.Sprintf("repository %s (%s line %d): %s", r.ID, r.File, r.Line, r.reason)
		}
	}
	if !slices.ContainsFunc(vendors, func(r *repo) bool { return r.security }) {
		var ids []string
		for _, r := range vendors {
			ids = append(ids, r.ID)
		}
		return fmt.Sprintf("the system's repositories publish no advisories (updateinfo): %s", strings.Join(ids, ", "))
	}
	return ""
}

// dates takes the oldest of the vendor's repositories with advisories: a host is
// as well informed as its worst source.
func (s *scan) dates() patch.Dates {
	d := patch.Dates{Reason: "no repository with advisories is in the cache"}
	for _, r := range s.vendors() {
		if r.md == nil || !r.security {
			continue
		}
		if r.published.IsZero() {
			return patch.Dates{Reason: r.mdFile + " says no time"}
		}
		if d.File == "" || r.published.Before(d.Date) {
			d.Date, d.File = r.published, r.mdFile
		}
		if d.Refreshed.IsZero() || r.refreshed.Before(d.Refreshed) {
			d.Refreshed = r.refreshed
		}
	}
	if d.File != "" {
		d.Reason = ""
	}
	return d
}

// sources describes the enabled repositories.
func (s *scan) sources() []patch.Source {
	all := make([]patch.Source, 0, len(s.repos))
	for _, r := range s.repos {
		out := patch.Source{
			Suite: text.Clean(r.ID, maxWord), Label: text.Clean(r.Name, maxWord), File: r.File, Line: r.Line,
			Security: r.security, Lists: r.lists, Reason: text.Clean(r.reason, text.Limit), Refreshed: patch.RFC3339(r.refreshed),
		}
		if r.md != nil {
			out.Date = patch.RFC3339(r.published)
		}
		all = append(all, out)
	}
	return all
}
