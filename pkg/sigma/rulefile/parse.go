package rulefile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"seawall/pkg/sigma"
	"seawall/pkg/sigma/event"
)

// Bounds of a file.
const (
	maxFile   = 256 << 10
	maxNodes  = 200_000 // YAML nodes visited, those of aliases each time
	maxDepth  = 32      // of nodes and of conditions
	maxRules  = 2_000
	maxErrors = 50
	maxText   = 64 << 10 // of a description
	maxValue  = 4 << 10  // of a value to compare with
	maxTests  = 4_096    // values to compare with in one rule, after modifiers
	maxNamed  = 64       // selections of a rule: a matcher tells them by the bits of a word
)

// Parse reads a file's rules. What is wrong with some of them does not hide the
// others: the rules that are right are returned beside an error that joins an *sigma.Error
// for each fault. Only what follows broken YAML is lost.
func Parse(file string, text []byte) ([]sigma.Rule, error) {
	r := &reader{file: file}
	if len(text) > maxFile {
		return nil, &sigma.Error{File: file, Line: 1, What: fmt.Sprintf("the file is larger than %d bytes; split it", maxFile)}
	}
	var rules []sigma.Rule
	for d := yaml.NewDecoder(bytes.NewReader(text)); len(r.errs) < maxErrors; {
		var doc yaml.Node
		if err := d.Decode(&doc); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			r.errs = append(r.errs, r.broken(text, err))
			break
		}
		if len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
			continue // nothing between two "---"
		}
		if len(rules) == maxRules {
			r.fail(&doc, "more than %d rules in a file; split it", maxRules)
			break
		}
		before := len(r.errs)
		if rule := r.rule(doc.Content[0]); len(r.errs) == before {
			rules = append(rules, rule)
		}
	}
	return rules, errors.Join(r.errs...)
}

// reader reads one file.
type reader struct {
	file  string
	errs  []error
	nodes int // visited
	tests int // values in the current rule
}

// fail notes a fault at a node, up to a number that a person can read.
func (r *reader) fail(n *yaml.Node, format string, args ...any) {
	if len(r.errs) < maxErrors {
		r.errs = append(r.errs, &sigma.Error{File: r.file, Line: max(n.Line, 1), What: fmt.Sprintf(format, args...)})
	}
}

// broken places an error of the YAML reader, which says "yaml: line 7: …". Lines of
// its parser, unlike those of its scanner, are counted from 0; where nothing is said
// it is the first, or that of an alias.
func (r *reader) broken(text []byte, err error) *sigma.Error {
	what, line := strings.TrimPrefix(err.Error(), "yaml: "), 1
	if m := regexp.MustCompile(`^line (\d+): `).FindStringSubmatch(what); m != nil {
		line, _ = strconv.Atoi(m[1])
		what = what[len(m[0]):]
		if regexp.MustCompile(`^did not find expected (node|key|'|<)`).MatchString(what) {
			line++
		}
	} else if m := regexp.MustCompile(`^unknown anchor '(.*)'`).FindStringSubmatch(what); m != nil {
		before, _, _ := bytes.Cut(text, []byte("*"+m[1]))
		line = 1 + bytes.Count(before, []byte("\n"))
	}
	line = min(line, 1+bytes.Count(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")))
	return &sigma.Error{File: r.file, Line: line, What: "this is not YAML: " + what}
}

// visit follows an alias and counts against the bounds. Where it returns nil the
// fault has been told.
func (r *reader) visit(n *yaml.Node, depth int) *yaml.Node {
	for hops := 0; n.Kind == yaml.AliasNode; hops++ {
		if hops == maxDepth || n.Alias == nil {
			r.fail(n, "alias *%s leads nowhere", n.Value)
			return nil
		}
		n = n.Alias
	}
	if r.nodes++; r.nodes > maxNodes {
		if r.nodes == maxNodes+1 {
			r.fail(n, "more than %d values with aliases followed; write less", maxNodes)
		}
		return nil
	}
	if depth > maxDepth {
		r.fail(n, "nested more than %d deep", maxDepth)
		return nil
	}
	return n
}

// pair is an entry of a map, its value with aliases followed.
type pair struct{ key, value *yaml.Node }

// pairs returns a map's entries, in order, each key once. YAML leaves it to the reader
// what a key that is there twice means; here one of them would silently be lost.
func (r *reader) pairs(n *yaml.Node, what string, depth int) []pair {
	if n = r.visit(n, depth); n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		r.fail(n, "%s must be a map, as in \"name: value\"", what)
		return nil
	}
	var pairs []pair
	seen := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := r.visit(n.Content[i], depth+1), r.visit(n.Content[i+1], depth+1)
		switch {
		case key == nil || value == nil:
			return pairs
		case key.Kind != yaml.ScalarNode:
			r.fail(key, "%s: a key must be a word", what)
		case key.Tag == "!!merge":
			r.fail(key, "%s: merging maps by << is not supported; write the fields out", what)
		case seen[key.Value] != 0:
			r.fail(key, "%s: %q is there twice, first on line %d; join them, or make a second selection", what, key.Value, seen[key.Value])
		default:
			seen[key.Value] = max(key.Line, 1)
			pairs = append(pairs, pair{key, value})
		}
	}
	return pairs
}

// text reads a scalar as it is written.
func (r *reader) text(n *yaml.Node, what string, limit int) string {
	switch {
	case n.Kind != yaml.ScalarNode:
		r.fail(n, "%s must be one text", what)
	case n.Tag == "!!null":
		return ""
	case len(n.Value) > limit:
		r.fail(n, "%s is longer than %d bytes", what, limit)
	default:
		return n.Value
	}
	return ""
}

// list reads a list of texts; one text alone is a list too.
func (r *reader) list(n *yaml.Node, what string, depth int) []string {
	var texts []string
	for _, n := range r.items(n, what, depth) {
		if n = r.visit(n, depth+1); n == nil {
			return texts
		}
		if text := r.text(n, what, maxValue); text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

// items returns the nodes of a list, or what is alone, as Sigma has it for most lists.
func (r *reader) items(n *yaml.Node, what string, depth int) []*yaml.Node {
	if n = r.visit(n, depth); n == nil {
		return nil
	}
	switch n.Kind {
	case yaml.SequenceNode:
		return n.Content
	case yaml.ScalarNode:
		return []*yaml.Node{n}
	}
	r.fail(n, "%s must be a list", what)
	return nil
}

// parts are what a rule consists of besides its description.
type parts struct{ logsource, detection, correlation *yaml.Node }

// rule reads a document.
func (r *reader) rule(n *yaml.Node) sigma.Rule {
	rule := sigma.Rule{File: r.file, Line: n.Line}
	r.tests = 0
	var is parts
	for _, p := range r.pairs(n, "a rule", 0) {
		switch p.key.Value {
		case "logsource":
			is.logsource = p.value
		case "detection":
			is.detection = p.value
		case "correlation":
			is.correlation = p.value
		default:
			r.about(&rule, p)
		}
	}
	if strings.TrimSpace(rule.Title) == "" {
		r.fail(n, "the rule has no title; add \"title: what it finds\"")
	}
	switch {
	case !r.complete(&rule, n, is):
	case is.correlation != nil:
		rule.Correlation = r.correlation(is.correlation)
	default:
		rule.Logsource, rule.LogsourceLine = r.logsource(is.logsource), is.logsource.Line
		r.detection(&rule, is.detection)
	}
	return rule
}

// complete reports whether the rule has the parts that it needs.
func (r *reader) complete(rule *sigma.Rule, n *yaml.Node, is parts) bool {
	switch {
	case rule.Custom["action"] != nil:
		r.fail(rule.Custom["action"], "action is of version 1 of Sigma; write out each rule")
	case rule.Custom["filter"] != nil && is.detection == nil:
		r.fail(rule.Custom["filter"], "filters for other rules are not supported; write them into the rules")
	case is.detection == nil && is.correlation == nil:
		r.fail(n, "the rule has neither detection nor correlation; add one")
	case is.detection != nil && is.correlation != nil:
		r.fail(is.correlation, "a rule has a detection or a correlation, not both; make two documents of it, with \"---\" between them")
	case is.correlation == nil && is.logsource == nil:
		r.fail(n, "the rule has no logsource; add product, category or service, to say which events it is about")
	default:
		return true
	}
	return false
}

// about reads what describes the rule. What it does not know it keeps: Sigma allows
// fields of one's own.
func (r *reader) about(rule *sigma.Rule, p pair) {
	texts := map[string]*string{
		"title": &rule.Title, "id": &rule.ID, "name": &rule.Name, "status": &rule.Status, "description": &rule.Description,
		"author": &rule.Author, "date": &rule.Date, "modified": &rule.Modified, "license": &rule.License, "taxonomy": &rule.Taxonomy,
	}
	lists := map[string]*[]string{
		"references": &rule.References, "fields": &rule.Fields, "falsepositives": &rule.FalsePositives, "tags": &rule.Tags, "scope": &rule.Scope,
	}
	key := p.key.Value
	if list := lists[key]; list != nil {
		*list = r.list(p.value, key, 1)
		return
	}
	if text := texts[key]; text != nil {
		limit := maxText
		if key != "description" {
			limit = 1024
		}
		*text = r.text(p.value, key, limit)
		r.known(key, *text, p.value)
		return
	}
	if key == "level" {
		name := r.text(p.value, key, 64)
		for rule.Level.String() != name {
			if rule.Level++; rule.Level > 5 {
				r.fail(p.value, "level %q is none; use informational, low, medium, high or critical", name)
				break
			}
		}
		return
	}
	if rule.Custom == nil {
		rule.Custom = make(map[string]*yaml.Node)
	}
	rule.Custom[key] = p.value
}

// known refuses what the specification does not have for a field.
func (r *reader) known(key, text string, n *yaml.Node) {
	switch key {
	case "status":
		if !slices.Contains([]string{"", "stable", "test", "experimental", "deprecated", "unsupported"}, text) {
			r.fail(n, "status %q is none; use stable, test, experimental, deprecated or unsupported", text)
		}
	case "taxonomy":
		if text != "" && text != "sigma" {
			r.fail(n, "taxonomy %q is not known here; use the names of the taxonomy sigma", text)
		}
	case "id", "name":
		if strings.ContainsAny(text, " \t\r\n") {
			r.fail(n, "%s %q has blanks; correlations name rules by it", key, text)
		}
	}
}

// logsource reads which events the rule is about; its other fields, such as
// definition, are for people.
func (r *reader) logsource(n *yaml.Node) event.Logsource {
	var l event.Logsource
	for _, p := range r.pairs(n, "logsource", 1) {
		switch p.key.Value {
		case "category":
			l.Category = r.text(p.value, "category", 256)
		case "product":
			l.Product = r.text(p.value, "product", 256)
		case "service":
			l.Service = r.text(p.value, "service", 256)
		}
	}
	if l.Category == "" && l.Product == "" && l.Service == "" {
		r.fail(n, "logsource names neither product, category nor service")
	}
	return l
}
