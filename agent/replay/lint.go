package replay

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"seawall/agent/console"
	"seawall/agent/detect"
	"seawall/agent/detect/rules"
	"seawall/pkg/finding"
	"seawall/pkg/hostfs"
	"seawall/pkg/sigma"
	"seawall/pkg/sigma/rulefile"
	"seawall/pkg/text"
)

// File is a file of rules.
type File struct {
	Name string
	Data []byte
}

// Report is what was found in files of rules.
type Report struct {
	console.Trial
	Allowances int
}

// Print writes the report and returns the exit status, as a trial does.
func (r *Report) Print(w io.Writer, what string) (code int, err error) {
	if r.Rules > 0 || r.Allowances == 0 || len(r.Problems) > 0 {
		return r.Trial.Print(w, what)
	}
	for _, warning := range r.Warnings {
		fmt.Fprintln(w, text.Terminal(text.Clean(warning, text.Limit)))
	}
	_, err = fmt.Fprintf(w, "allowances: %d, all can be read\n", r.Allowances)
	return 0, err
}

// IsRules reports whether a file of YAML is one of Sigma rules, a document has the key
// detection or correlation, or an allow list.
func IsRules(data []byte) bool { return has(data, "detection:", "correlation:") || IsAllow(data) }

// IsAllow reports whether a file of YAML is an allow list.
func IsAllow(data []byte) bool { return has(data, "allow:") }

// has reports whether a line begins with one of keys.
func has(data []byte, keys ...string) bool {
	for line := range strings.Lines(string(data)) {
		if slices.ContainsFunc(keys, func(k string) bool { return strings.HasPrefix(line, k) }) {
			return true
		}
	}
	return false
}

// LintHost reads files of rules beside Seawall's own and, where an allow list is among
// them, those of the host, which it may be about.
func LintHost(root hostfs.Root, files []File) (*Report, error) {
	base, err := rules.Own()
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(files, func(f File) bool { return IsAllow(f.Data) }) {
		base, _ = rules.Load(root, rules.Dir) // faults of the host's are no matter here
	}
	return Lint(root, base, files), nil
}

// Lint reads files of rules as loading does, beside base, which their correlations may
// speak of, and runs the examples of theirs. A rule of base with the id of one of theirs
// makes room for it. An allow list may speak of rules of both.
func Lint(root hostfs.Root, base []sigma.Rule, files []File) *Report {
	r := &Report{}
	var own []sigma.Rule
	var allow []detect.Allowance
	for _, f := range files {
		if IsAllow(f.Data) {
			list, err := detect.ParseAllow(f.Name, f.Data, time.Now())
			allow, r.Problems = append(allow, list...), append(r.Problems, separate(err)...)
			continue
		}
		list, err := rulefile.Parse(f.Name, f.Data)
		own, r.Problems = append(own, list...), append(r.Problems, separate(err)...)
	}
	base = slices.DeleteFunc(slices.Clone(base), func(b sigma.Rule) bool {
		return slices.ContainsFunc(own, func(o sigma.Rule) bool { return o.ID != "" && o.ID == b.ID })
	})
	r.Rules, r.Allowances = len(own), len(allow)
	r.same(own)
	d, err := detect.New(detect.Config{Rules: append(slices.Clone(own), base...), Allow: allow, Report: func(finding.Detection) {}})
	r.Problems = append(r.Problems, separate(err)...)
	if d == nil {
		return r
	}
	for _, a := range d.Expired(time.Now()) {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%s:%d: warning: %s's allowance is past its last day and allows nothing", a.File, a.Line, a.Owner))
	}
	captures := map[string]Captures{}
	for i := range own {
		r.rule(root, d, own, i, captures)
	}
	return r
}

// same warns of rules that share an id.
func (r *Report) same(own []sigma.Rule) {
	seen := map[string]*sigma.Rule{}
	for i := range own {
		x := &own[i]
		switch other := seen[x.ID]; {
		case x.ID == "":
			r.Warnings = append(r.Warnings, fmt.Sprintf("%s:%d: warning: %s has no id: nothing can allow it", x.File, x.Line, x.Title))
		case other != nil:
			r.Problems = append(r.Problems, &sigma.Error{File: x.File, Line: x.Line, What: fmt.Sprintf("the id is that of %s:%d too", other.File, other.Line)})
		default:
			seen[x.ID] = x
		}
	}
}

// rule runs the examples of one rule.
func (r *Report) rule(root hostfs.Root, d *detect.Detector, own []sigma.Rule, i int, captures map[string]Captures) {
	x := &own[i]
	list, err := Examples(x)
	r.Problems = append(r.Problems, separate(err)...)
	if len(list) == 0 && err == nil {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%s:%d: warning: %s has no examples", x.File, x.Line, x.Title))
	}
	for _, e := range list {
		r.Examples++
		dir := filepath.Dir(x.File)
		if e.Capture != "" && captures[dir] == nil {
			read, err := ReadCaptures(root, x.File)
			if err != nil {
				r.Problems = append(r.Problems, &sigma.Error{File: x.File, Line: e.Line, What: err.Error()})
				continue
			}
			captures[dir] = read
		}
		matched, err := Try(d, i, &e, captures[dir])
		if err != nil {
			r.Problems = append(r.Problems, &sigma.Error{File: x.File, Line: e.Line, What: "example: " + err.Error()})
			continue
		}
		if got := slices.Contains(matched, i); got != e.Fires {
			r.Failures = append(r.Failures, &sigma.Error{File: x.File, Line: e.Line, What: fmt.Sprintf("%s: example %s%s", x.Title, e.called(), outcome(got))})
		}
	}
}

func (e *Example) called() string {
	for _, name := range []string{e.Name, e.Capture} {
		if name != "" {
			return fmt.Sprintf("%q ", name)
		}
	}
	return ""
}

func outcome(fired bool) string {
	if fired {
		return "fires, and should not"
	}
	return "does not fire, and should"
}

// separate takes joined errors apart.
func separate(err error) []error {
	if err == nil {
		return nil
	}
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return []error{err}
	}
	var list []error
	for _, e := range joined.Unwrap() {
		list = append(list, separate(e)...)
	}
	return list
}
