package replay

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"seawall/agent/detect"
	"seawall/pkg/hostfs"
	"seawall/pkg/sigma"
	"seawall/pkg/text"
)

// maxCaptures bounds the text of captures.
const maxCaptures = 64 << 20

// Example is one example of a rule.
type Example struct {
	Name    string
	Fires   bool
	Capture string
	Log     string
	Event   map[string][]string // nil where the example has records
	Line    int
}

// Examples reads the examples of a rule; one without has none.
func Examples(r *sigma.Rule) ([]Example, error) {
	node := r.Custom["examples"]
	if node == nil {
		return nil, nil
	}
	fault := func(n *yaml.Node, format string, args ...any) error {
		return &sigma.Error{File: r.File, Line: n.Line, What: "examples: " + fmt.Sprintf(format, args...)}
	}
	if node.Kind != yaml.SequenceNode {
		return nil, fault(node, "want a list")
	}
	var (
		list     []Example
		problems []error
	)
	for _, n := range node.Content {
		e, err := example(n, fault)
		if err == nil && r.Correlation != nil && e.Event != nil {
			err = fault(n, "one event is no example of a correlation: give log or capture")
		}
		if err != nil {
			problems = append(problems, err)
			continue
		}
		list = append(list, e)
	}
	return list, errors.Join(problems...)
}

// example reads one.
func example(n *yaml.Node, fault func(*yaml.Node, string, ...any) error) (Example, error) {
	e := Example{Line: n.Line}
	if n.Kind != yaml.MappingNode {
		return e, fault(n, "want fires, and event, log or capture")
	}
	told, given := false, 0
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		var err error
		switch key.Value {
		case "name":
			err = value.Decode(&e.Name)
		case "fires":
			told = true
			err = value.Decode(&e.Fires)
		case "capture":
			given++
			err = value.Decode(&e.Capture)
		case "log":
			given++
			err = value.Decode(&e.Log)
		case "event":
			given++
			e.Event, err = fields(value)
		default:
			return e, fault(key, "no key %q: an example has name, fires, and event, log or capture", text.Clean(key.Value, 100))
		}
		if err != nil {
			return e, fault(value, "%s: %v", key.Value, err)
		}
	}
	if !told || given != 1 {
		return e, fault(n, "want fires, and one of event, log and capture")
	}
	return e, nil
}

// fields reads an event: names with a text each, or several.
func fields(n *yaml.Node) (map[string][]string, error) {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		return nil, errors.New("want fields as {name: value}")
	}
	all := map[string][]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		values := []*yaml.Node{n.Content[i+1]}
		if values[0].Kind == yaml.SequenceNode {
			values = values[0].Content
		}
		for _, v := range values {
			if v.Kind != yaml.ScalarNode {
				return nil, fmt.Errorf("%s: want a text, or a list of texts", text.Clean(n.Content[i].Value, 100))
			}
			all[n.Content[i].Value] = append(all[n.Content[i].Value], v.Value)
		}
	}
	return all, nil
}

// Captures are records by name, of one directory.
type Captures map[string][]byte

// ReadCaptures reads testdata/captures.gz beside a file of rules.
func ReadCaptures(root hostfs.Root, beside string) (Captures, error) {
	packed, err := root.ReadFile(filepath.Join(filepath.Dir(beside), "testdata", "captures.gz"), maxCaptures/4)
	if err != nil {
		return nil, fmt.Errorf("read captures: %w", err)
	}
	return ParseCaptures(packed)
}

// ParseCaptures reads the bytes of a captures.gz.
func ParseCaptures(packed []byte) (Captures, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("read captures: %w", err)
	}
	plain, err := io.ReadAll(io.LimitReader(z, maxCaptures+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read captures: %w", err)
	case len(plain) > maxCaptures:
		return nil, fmt.Errorf("read captures: more than %d bytes", maxCaptures)
	}
	all := Captures{}
	name := ""
	for line := range bytes.Lines(plain) {
		trimmed := strings.TrimSpace(string(line))
		if strings.HasPrefix(trimmed, "-- ") && strings.HasSuffix(trimmed, " --") && len(trimmed) > 6 {
			name = trimmed[3 : len(trimmed)-3]
			all[name] = []byte{}
			continue
		}
		all[name] = append(all[name], line...)
	}
	return all, nil
}

// Try runs an example of a rule and returns the rules that matched, by index. The
// captures are those beside the rule's file.
func Try(d *detect.Detector, rule int, e *Example, captures Captures) (matched []int, err error) {
	note := func(r int) {
		if !slices.Contains(matched, r) {
			matched = append(matched, r)
		}
	}
	if e.Event != nil {
		return matched, d.Match(rule, e.Event, note)
	}
	records := []byte(e.Log)
	if e.Capture != "" {
		var ok bool
		if records, ok = captures[e.Capture]; !ok {
			return nil, fmt.Errorf("there is no capture %q in testdata/captures.gz", text.Clean(e.Capture, 100))
		}
	}
	result, err := runCapture(records, d, note)
	switch {
	case err != nil:
		return nil, err
	case result.Audit.Events == 0:
		return nil, errors.New("there is no record in it")
	case result.Lines > 0 && e.Log != "":
		return nil, fmt.Errorf("%d of its lines are no records", result.Lines)
	}
	return matched, nil
}

// runCapture replays the records of a capture, whose files have the places in it.
func runCapture(records []byte, d *detect.Detector, note func(rule int)) (*Result, error) {
	records, place := places(records)
	return run(bytes.NewReader(records), d, note, place)
}

// places takes the lines "# DEVICE INODE NAME" out of records.
func places(records []byte) (rest []byte, place func(dev [2]uint32, inode uint64, needed bool) string) {
	names := map[string]string{}
	rest = make([]byte, 0, len(records))
	for line := range bytes.Lines(records) {
		if file, name, ok := strings.Cut(strings.TrimSpace(string(line)), " /"); ok && strings.HasPrefix(file, "# ") {
			names[file[2:]] = "/" + name
			continue
		}
		rest = append(rest, line...)
	}
	if len(names) == 0 {
		return rest, nil
	}
	return rest, func(dev [2]uint32, inode uint64, needed bool) string {
		return names[fmt.Sprintf("%02x:%02x %d", dev[0], dev[1], inode)]
	}
}
