package alert

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// GroupBy says what goes into one message.
type GroupBy string

// The ways to group.
const (
	ByRule    GroupBy = "rule"    // all that a rule matches
	ByHost    GroupBy = "host"    // what happens on one host
	ByCheck   GroupBy = "check"   // what happens to one check
	BySubject GroupBy = "finding" // each result of each host alone
)

// Rule says which signals are told, and to whom. Empty lists bound nothing.
type Rule struct {
	ID      int64  `json:"id"`
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"`

	Topics      []Topic          `json:"topics"`
	MinSeverity finding.Severity `json:"min_severity"`
	Families    []string         `json:"families,omitempty"`
	Checks      []string         `json:"checks,omitempty"` // patterns of path.Match; rules of detections, too
	Tags        []string         `json:"tags,omitempty"`   // the host has one of them, by an administrator's word
	Resolved    bool             `json:"resolved"`         // tell when it is over, too

	Routes []string `json:"routes"`
	Group  GroupBy  `json:"group"`
	// Wait is how long the first message of a group waits for others, and Every the
	// least time between two messages of one group.
	Wait  time.Duration `json:"wait"`
	Every time.Duration `json:"every"`
	// Quiet is the time in which one subject is told of at most twice; what changes
	// more often is told once at its end.
	Quiet time.Duration `json:"quiet"`
	// Hourly bounds the rule's messages in an hour. What is beyond waits, together.
	Hourly int `json:"hourly"`
}

// NewRule returns a rule with the defaults of a form.
func NewRule() Rule {
	return Rule{Enabled: true, Topics: []Topic{Finding, Detection, Silent}, MinSeverity: finding.SeverityHigh, Resolved: true,
		Group: ByHost, Wait: 2 * time.Second, Every: 5 * time.Minute, Quiet: time.Hour, Hourly: 30}
}

// Limits of a rule.
const (
	MaxList  = 50 // entries of each list
	maxEntry = 100
	maxTime  = 24 * time.Hour
)

// Check says what is wrong with a rule, all of it.
func (r *Rule) Check() error {
	errs := slices.Concat(r.checkWhat(), r.checkHow())
	slices.SortFunc(errs, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

// checkWhat says what is wrong with a rule's name and with what it is about.
func (r *Rule) checkWhat() (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if r.Name == "" || len(r.Name) > maxEntry || text.Terminal(r.Name) != r.Name {
		bad("name: 1 to %d printable characters", maxEntry)
	}
	if len(r.Topics) == 0 {
		bad("topics: at least one")
	}
	for _, t := range r.Topics {
		if !slices.Contains(Topics(), t) {
			bad("topics: there is no %q", t)
		}
	}
	if r.MinSeverity > finding.SeverityCritical {
		bad("severity: 0 to %d", finding.SeverityCritical)
	}
	for name, list := range map[string][]string{"families": r.Families, "checks": r.Checks, "tags": r.Tags} {
		if err := checkList(list); err != nil {
			bad("%s: %w", name, err)
		}
	}
	for _, p := range r.Checks {
		if _, err := path.Match(p, ""); err != nil {
			bad("checks: %q: %w", p, err)
		}
	}
	return errs
}

// checkHow says what is wrong with where, when and how often a rule tells.
func (r *Rule) checkHow() (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(r.Routes) == 0 {
		bad("routes: at least one")
	}
	if err := checkList(r.Routes); err != nil {
		bad("routes: %w", err)
	}
	if !slices.Contains([]GroupBy{ByRule, ByHost, ByCheck, BySubject}, r.Group) {
		bad("group: there is no %q", r.Group)
	}
	for name, d := range map[string]time.Duration{"wait": r.Wait, "every": r.Every, "quiet": r.Quiet} {
		if d < 0 || d > maxTime {
			bad("%s: 0 to %s", name, maxTime)
		}
	}
	if r.Hourly < 1 || r.Hourly > 1000 {
		bad("hourly: 1 to 1000")
	}
	return errs
}

func checkList(list []string) error {
	if len(list) > MaxList {
		return fmt.Errorf("at most %d", MaxList)
	}
	for _, v := range list {
		if v == "" || len(v) > maxEntry || text.Terminal(v) != v {
			return fmt.Errorf("1 to %d printable characters each", maxEntry)
		}
	}
	return nil
}

// Match reports whether the rule wants the signal. Tags are those that an
// administrator gave the host, asked only when it matters.
func (r *Rule) Match(s *Signal, tags func() []string) bool {
	switch {
	case !r.Enabled, s.Over && !r.Resolved, !r.covers(s.Topic):
		return false
	// That something is over has the severity of what it was, but a host that speaks
	// again is told of as informational.
	// Who asks for the end of waivers wants to hear of it in time.
	case s.Severity < r.MinSeverity && (!s.Over || s.Topic != Silent) && s.Topic != Waiver:
		return false
	case len(r.Families) > 0 && !slices.Contains(r.Families, s.Family):
		return false
	case len(r.Checks) > 0 && !slices.ContainsFunc(r.Checks, func(p string) bool { ok, err := path.Match(p, s.Check); return ok && err == nil }):
		return false
	}
	if len(r.Tags) == 0 {
		return true
	}
	has := tags()
	return slices.ContainsFunc(r.Tags, func(t string) bool { return slices.Contains(has, t) })
}

// covers reports whether a topic is among the rule's: findings are all kinds of them.
func (r *Rule) covers(t Topic) bool {
	return slices.Contains(r.Topics, t) || (t == Certificate || t == Release) && slices.Contains(r.Topics, Finding)
}

// GroupOf returns the name of the group that a signal is of.
func (r *Rule) GroupOf(s *Signal) string {
	switch r.Group {
	case ByHost:
		return string(s.Host)
	case ByCheck:
		return strings.Join([]string{string(s.Topic), s.Check}, " ")
	case BySubject:
		return s.Subject()
	}
	return ""
}
