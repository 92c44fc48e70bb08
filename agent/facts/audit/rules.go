package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"seawall/agent/facts/fact"
	"seawall/pkg/auditconf"
	"seawall/pkg/auditrule"
	"seawall/pkg/kaudit"
)

const (
	rulesFile = "/etc/audit/audit.rules"
	rulesDir  = "/etc/audit/rules.d"
)

// rules compares the kernel's rules with those on disk. control is nil when the
// kernel cannot be asked.
func (r *reader) rules(control *kaudit.Control, k Kernel) Rules {
	out := Rules{Immutable: k.Known && k.Enabled == 2}
	loaded := r.loaded(&out, control, k)
	disk := r.disk(&out)
	out.Known = out.LoadedKnown && out.DiskKnown
	onDisk := map[string]bool{}
	for _, d := range disk {
		rule, err := auditrule.Parse(d.Text)
		switch {
		case err == nil:
			r.keepDisk(rule, d)
			id := rule.ID()
			onDisk[id] = true
			if _, ok := loaded[id]; !ok && out.Known {
				out.Missing = append(out.Missing, d)
			}
		case !out.Known:
		case errors.Is(err, auditrule.ErrUnsupported):
			out.Unchecked = append(out.Unchecked, d)
		default:
			out.Invalid = append(out.Invalid, d)
		}
	}
	if !out.Known {
		return out
	}
	for id, text := range loaded {
		if !onDisk[id] && !strings.HasPrefix(text, "(") {
			out.Extra = append(out.Extra, text)
		}
	}
	slices.Sort(out.Extra)
	return out
}

// loaded lists the kernel's rules but Seawall's own, by their ID.
func (r *reader) loaded(out *Rules, control *kaudit.Control, k Kernel) map[string]string {
	if control == nil {
		out.Reason = k.Reason
		return nil
	}
	rules, err := control.Rules()
	if err != nil {
		out.Reason = err.Error()
		return nil
	}
	out.LoadedKnown = true
	loaded := map[string]string{}
	for _, rule := range rules {
		if slices.Equal(rule.Keys(), []string{auditrule.Key}) {
			continue
		}
		loaded[rule.ID()] = rule.Text
		r.inKernel.Rules = append(r.inKernel.Rules, rule)
		out.Loaded = append(out.Loaded, rule.Text)
	}
	return loaded
}

// disk reads what auditctl loads at the daemon's start.
func (r *reader) disk(out *Rules) []DiskRule {
	b, err := r.root.ReadFile(rulesFile, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// Nothing is loaded; whether rules.d has something is told below.
	case err != nil:
		out.note(unreadable(err))
		return nil
	}
	out.DiskKnown = true
	parsed := auditconf.ParseRules(string(b))
	for _, c := range parsed.Rules {
		out.Disk = append(out.Disk, DiskRule{c.Text, rulesFile, c.Line})
	}
	out.DiskImmutable = parsed.Enabled.Text == "2"
	out.DiskBacklog = setting(parsed.Backlog, "-b")
	out.DiskFailure = setting(parsed.Failure, "-f")
	r.stale(out, string(b))
	return out.Disk
}

func setting(c auditconf.Command, option string) fact.Text {
	if c.Line == 0 {
		return fact.Text{}
	}
	return fact.Text{Value: c.Text, Set: true, File: rulesFile, Line: c.Line, Raw: option + " " + c.Text}
}

func (out *Rules) note(reason string) {
	if out.Reason != "" {
		reason = out.Reason + "; " + reason
	}
	out.Reason = reason
}

// stale tells whether augenrules would make another audit.rules of rules.d.
func (r *reader) stale(out *Rules, have string) {
	names, err := r.root.ReadDir(rulesDir)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			out.StaleReason = unreadable(err)
		}
		return
	}
	var sources []auditconf.Source
	for _, n := range names {
		if !strings.HasSuffix(n, ".rules") {
			continue
		}
		b, err := r.root.ReadFile(path.Join(rulesDir, n), 0)
		if err != nil {
			out.StaleReason = unreadable(err)
			return
		}
		sources = append(sources, auditconf.Source{Name: n, Text: string(b)})
	}
	if len(sources) == 0 {
		return
	}
	want, got := auditconf.Generate(sources), auditconf.Lines(have)
	if slices.Equal(want, got) {
		return
	}
	out.Stale = true
	for _, line := range want {
		if !slices.Contains(got, line) {
			out.StaleReason = fmt.Sprintf("%s lacks %q of %s", rulesFile, line, rulesDir)
			return
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			out.StaleReason = fmt.Sprintf("%s has %q, which is not in %s", rulesFile, line, rulesDir)
			return
		}
	}
	out.StaleReason = "the order of rules differs from " + rulesDir
}
