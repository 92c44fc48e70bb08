package cloud

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"go.yaml.in/yaml/v3"

	"seawall/agent/facts/fact"
	"seawall/pkg/text"
)

const statement = "/etc/seawall/cloud.yaml"

// stated reads what the host's owner says. A file with a mistake says nothing.
func (r *reader) stated() {
	s := &r.f.Stated
	s.File = statement
	r.f.Meta.Depend(statement)
	b, err := r.root.ReadFile(statement, 64<<10)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	s.Present = true
	if err != nil {
		s.Problem = text.Clean(err.Error(), text.Limit)
		return
	}
	got, line, err := parseStatement(b)
	if err != nil {
		s.Problem, s.Line = text.Clean(err.Error(), text.Limit), line
		return
	}
	s.Backups, s.Firewall = got.Backups, got.Firewall
}

// parseStatement reads the file, strictly: a word that it does not know is a
// mistake, with its line.
func parseStatement(b []byte) (s Stated, line int, err error) {
	top, err := mapping(b)
	if err != nil {
		return s, 0, fmt.Errorf("no YAML of names and values: %w", err)
	}
	for key, value := range pairs(top) {
		v := strings.TrimSpace(value.Value)
		at := fact.Text{Value: text.Clean(v, 128), Set: true, File: statement, Line: key.Line, Raw: text.Clean(key.Value+": "+v, 256)}
		if value.Kind != yaml.ScalarNode || v == "" {
			return s, key.Line, fmt.Errorf("%s has no value", key.Value)
		}
		no := strings.EqualFold(v, "no") || strings.EqualFold(v, "false") || strings.EqualFold(v, "none")
		yes := strings.EqualFold(v, "yes") || strings.EqualFold(v, "true")
		if no {
			at.Value = "no"
		} else if yes {
			at.Value = "yes"
		}
		switch key.Value {
		case "backups":
			if !no && !yes {
				return s, key.Line, errors.New("backups is yes or no")
			}
			s.Backups = at
		case "firewall":
			s.Firewall = at
		default:
			return s, key.Line, fmt.Errorf("%s is not known: there are backups and firewall", key.Value)
		}
	}
	return s, 0, nil
}
