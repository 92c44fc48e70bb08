// Package sigma is the vocabulary of detection rules in the Sigma format: what a rule
// is, once it has been read. It does nothing itself: package rulefile reads rules,
// package match compiles rules about one event to one matcher, package correlate
// keeps the state of rules about several, package event is what rules are about.
// None of them knows where events come from.
package sigma

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"seawall/pkg/sigma/event"
	"seawall/pkg/sigma/pattern"
)

// Rule is one rule. It has either a Condition over Selections or a Correlation.
type Rule struct {
	File string
	Line int // where its document begins

	Title          string
	ID             string // a UUID as a rule
	Name           string // what correlations may call it
	Status         string // stable, test, experimental, deprecated, unsupported or ""
	Description    string
	Author         string
	Date           string // as written: 2024-08-08 or, of old, 2024/08/08
	Modified       string
	License        string
	Taxonomy       string
	References     []string
	Fields         []string
	FalsePositives []string
	Tags           []string
	Scope          []string
	Level          Level
	Logsource      event.Logsource // empty for correlations
	LogsourceLine  int

	Selections  []Selection
	Condition   Expr
	Correlation *Correlation

	// Custom are the fields that this package does not interpret, by name.
	Custom map[string]*yaml.Node
}

// Techniques returns the ATT&CK techniques among the tags, as in "T1059.004".
func (r *Rule) Techniques() []string {
	var techniques []string
	for _, tag := range r.Tags {
		name, ok := strings.CutPrefix(strings.ToLower(tag), "attack.t")
		if ok && name != "" && strings.Trim(name, "0123456789.") == "" {
			techniques = append(techniques, "T"+name)
		}
	}
	return techniques
}

// Level is a rule's severity: 0 not said, 1 informational, 2 low, 3 medium, 4 high,
// 5 critical, the numbers of OCSF's severity_id.
type Level uint8

// String returns the level's name, "" where it is not said.
func (l Level) String() string {
	if names := [...]string{"", "informational", "low", "medium", "high", "critical"}; int(l) < len(names) {
		return names[l]
	}
	return fmt.Sprintf("level(%d)", uint8(l))
}

// Selection is a named part of a detection.
type Selection struct {
	Name string
	Line int
	Expr Expr // without Selected
}

// Op is what an expression does.
type Op uint8

// The operations. Those from Like on test a field; but for Absent all of them are
// false where the event does not have the field, and true where one of several
// values passes.
const (
	And      Op = iota // all of Args
	Or                 // one of Args
	Not                // not Args[0]
	Selected           // Rule.Selections[Selection]
	Like               // the value is like Pattern
	Regexp             // Regexp finds something in the value
	Within             // the value is an address in Network
	Compare            // the value is a number that is Sign Number
	Exists             // the event has the field
	Absent             // the event does not have the field
	SameAs             // the value is that of the field Other
)

// Expr is an expression: a combination of others or a test of one field.
type Expr struct {
	Op        Op
	Args      []Expr
	Selection int

	Field   string // "" tests all fields of the event: keywords
	Line    int
	Cased   bool // Like and SameAs
	Pattern []pattern.Piece
	Regexp  string // in Go's syntax, with flags
	Network netip.Prefix
	Sign    string // "<", "<=", ">" or ">="
	Number  string // decimal, such as "10" or "-2.5"
	Other   string
	Head    bool // SameAs: other text may go before
	Tail    bool // SameAs: other text may follow
}

// Correlation is about several events that rules matched.
type Correlation struct {
	Type     string   // event_count, value_count, temporal or temporal_ordered
	Rules    []string // ids or names
	Lines    []int    // where they are named
	GroupBy  []string
	Timespan time.Duration
	Field    string // value_count: what is counted
	Bounds   []Bound
	// Aliases give the field of each rule (by its name) that a name in GroupBy means.
	Aliases  map[string]map[string]string
	Generate bool // the rules are reported on their own too
	Line     int
}

// Bound is one limit of a count; all of a correlation's must hold.
type Bound struct {
	Sign  string // "<", "<=", ">", ">=" or "=="
	Count int
}

// Holds reports whether a count is within the bound.
func (b Bound) Holds(count int) bool {
	switch b.Sign {
	case "<":
		return count < b.Count
	case "<=":
		return count <= b.Count
	case ">":
		return count > b.Count
	case ">=":
		return count >= b.Count
	}
	return count == b.Count
}

// Error is a fault of a rule, with its place.
type Error struct {
	File string
	Line int
	What string // what is wrong and what would be right
}

// Error is the fault as "file:line: what".
func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.What) }
