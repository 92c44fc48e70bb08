package auditcmd

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"seawall/agent/ruleset"
	"seawall/pkg/auditrule"
	"seawall/pkg/kaudit"
)

// The states of a rule.
const (
	loaded  = "loaded"  // in the kernel
	missing = "missing" // wanted and not there
	yours   = "yours"   // a rule of the user's reports the same
	extra   = "extra"   // in the kernel as Seawall's, and not wanted
	watch   = "watch"   // of the sensor's watches
)

// rulePage compares rules.
type rulePage struct {
	Profile  string   `json:"profile"`
	Locked   bool     `json:"locked"`
	Rules    []rule   `json:"rules"`
	Watches  []rule   `json:"watches"`
	Others   int      `json:"others"`   // rules in the kernel that are not Seawall's
	Problems []string `json:"problems"` // lines of files that are no rules
	// Sensor is the profile of the sensor that runs, or ran last.
	Sensor string `json:"sensor_profile,omitempty"`
	// Hits says whether the sensor told of them.
	Hits bool `json:"hits_known"`
	All  bool `json:"-"` // print the watches too
}

// rule is one rule, wanted or in the kernel.
type rule struct {
	State string `json:"state"`
	Text  string `json:"text"`
	Where string `json:"where,omitempty"` // file:line
	Key   string `json:"key"`             // several are separated by a comma
	Hits  uint64 `json:"hits"`            // events with the key, whichever rule with it they are of
}

func (p *program) rules(dir, profile, rulesDir string) (*rulePage, error) {
	var have []auditrule.Rule
	r := &rulePage{Profile: profile}
	err := p.kernel(func(c *kaudit.Control) error {
		s, err := c.Status()
		if err != nil {
			return err
		}
		r.Locked = s.Enabled == 2
		have, err = c.Rules()
		return err
	})
	if err != nil {
		return nil, err
	}
	set := ruleset.Load(profile, detectRules(), p.root, rulesDir)
	for _, problem := range set.Problems {
		r.Problems = append(r.Problems, problem.String())
	}
	hits := map[string]uint64{}
	if l, err := p.ledger(dir); err == nil {
		r.Hits, hits, r.Sensor = true, l.State.Hits, l.State.Profile
	}
	r.compare(have, set.Rules, hits)
	return r, nil
}

// compare files the rules in the kernel and those wanted under their states.
func (r *rulePage) compare(have []auditrule.Rule, want []ruleset.Rule, hits map[string]uint64) {
	own, bodies := map[string]bool{}, map[string]bool{}
	for _, h := range have {
		if h.Owned() {
			own[h.ID()] = true
		} else {
			r.Others++
			bodies[h.Body()] = true
		}
	}
	made := func(state, where string, a auditrule.Rule) rule {
		return rule{State: state, Text: a.Text, Where: where, Key: strings.Join(a.Keys(), ","), Hits: hits[keys(a)]}
	}
	known := map[string]bool{}
	for _, w := range want {
		state := yours
		// What is one line in a file can be several rules in the kernel.
		for _, n := range auditrule.Narrow(w.Rule) {
			known[n.ID()] = true
			switch {
			case own[n.ID()] && state != missing:
				state = loaded
			case !own[n.ID()] && !bodies[n.Body()]:
				state = missing
			}
		}
		r.Rules = append(r.Rules, made(state, fmt.Sprintf("%s:%d", w.File, w.Line), w.Rule))
	}
	for _, h := range have {
		switch {
		case !h.Owned() || known[h.ID()]:
		case slices.Equal(h.Keys(), []string{auditrule.Key}):
			r.Watches = append(r.Watches, made(watch, "", h))
		default:
			r.Rules = append(r.Rules, made(extra, "", h))
		}
	}
}

func keys(r auditrule.Rule) string { return strings.Join(r.Keys(), "\x01") }

func (r *rulePage) wrong() bool {
	return len(r.Problems) > 0 || slices.ContainsFunc(r.Rules, func(x rule) bool { return x.State == missing || x.State == extra })
}

func (r *rulePage) count(state string) (n uint64) {
	for _, x := range r.Rules {
		if x.State == state {
			n++
		}
	}
	return n
}

func (r *rulePage) print(p *page) {
	p.line("Profile %s: %s wanted, %d loaded, %d left to yours, %d missing.", r.Profile, plural(uint64(len(r.Rules))-r.count(extra), "rule"), r.count(loaded), r.count(yours), r.count(missing))
	p.line("%s of files that checks depend on, %s not Seawall's.", plural(uint64(len(r.Watches)), "watch rule"), plural(uint64(r.Others), "rule"))
	if r.Sensor != "" && r.Sensor != r.Profile {
		p.line("The sensor has profile %s: --audit-profile %s compares with that.", r.Sensor, r.Sensor)
	}
	if r.Locked {
		p.line("The rules are locked until reboot (auditctl -e 2): nobody can change them.")
	}
	for _, problem := range r.Problems {
		p.row("not a rule", "%s", problem)
	}
	r.table(p, r.Rules)
	if r.All {
		r.table(p, r.Watches)
	} else if len(r.Watches) > 0 {
		p.line("")
		p.line("--watches lists the watch rules too.")
	}
}

// table prints rules under the file that they stand in, with the hits of a key once.
func (r *rulePage) table(p *page, rules []rule) {
	if len(rules) == 0 {
		return
	}
	p.line("")
	p.line("%-8s %7s  %s", "STATE", "HITS", "RULE")
	file, key := rules[0].State, "" // no file's name
	for _, x := range rules {
		name, _, _ := strings.Cut(x.Where, ":")
		if name != file && x.State != watch {
			file = name
			p.line("# %s", cmp.Or(name, "in the kernel as Seawall's, and not wanted"))
		}
		hits := ""
		if x.Key != key {
			key = x.Key
			switch {
			case x.State == missing || x.State == yours:
			case r.Hits:
				hits = thousands(x.Hits)
			default:
				hits = "?"
			}
		}
		const indent = 18
		for i, line := range wrapRule(short(x.Text), p.wide()-indent-2) {
			if i == 0 {
				p.line("%-8s %7s  %s", x.State, hits, line)
			} else {
				p.line("%*s%s", indent+2, "", line)
			}
		}
	}
}

// wrapRule breaks a rule before an option.
func wrapRule(text string, width int) []string {
	var lines []string
	for _, part := range strings.Split(strings.ReplaceAll(text, " -", "\n -"), "\n") {
		if n := len(lines); n > 0 && len(lines[n-1])+len(part) <= width {
			lines[n-1] += part
		} else {
			lines = append(lines, strings.TrimPrefix(part, " "))
		}
	}
	return lines
}
