package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"seawall/pkg/hostfs"
)

const defaultConfig = "/etc/seawall/uplink.yaml"

// configError is an error that an administrator corrects in the configuration.
type configError struct{ error }

func (e configError) Unwrap() error { return e.error }

// config is the program's configuration.
type config struct {
	spool      string
	collector  string
	stateDir   string
	tokenFile  string // default in stateDir
	keepToken  bool
	maxBackoff time.Duration
	logLevel   slog.Level
}

// setting is one setting under its name in the file; the environment and the
// flags derive theirs from it.
type setting struct {
	name  string
	help  string
	value string // the default
	set   func(c *config, v string) error
}

func (s setting) env() string  { return "SEAWALL_UPLINK_" + strings.ToUpper(s.name) }
func (s setting) flag() string { return strings.ReplaceAll(s.name, "_", "-") }

func settings() []setting {
	return []setting{
		{"spool", "directory of the sensor's spool", "/var/lib/seawall/spool", func(c *config, v string) error {
			return setPath(&c.spool, v)
		}},
		{"collector", "address of the collector, host:port", "", func(c *config, v string) error {
			c.collector = v
			return checkAddress(v)
		}},
		{"state_dir", "directory of this program's key and state", standardState, func(c *config, v string) error {
			return setPath(&c.stateDir, v)
		}},
		{"token_file", "file with the token to enrol with (default token in state_dir)", "", func(c *config, v string) error {
			return setPath(&c.tokenFile, v)
		}},
		{"keep_token", "do not remove the token when it has enrolled this host: for images", "false", func(c *config, v string) (err error) {
			c.keepToken, err = strconv.ParseBool(v)
			return err
		}},
		{"max_backoff", "longest pause between two attempts to connect", "60s", func(c *config, v string) (err error) {
			c.maxBackoff, err = time.ParseDuration(v)
			if err == nil && (c.maxBackoff < time.Second || c.maxBackoff > time.Hour) {
				err = fmt.Errorf("%s is not between 1s and 1h", v)
			}
			return err
		}},
		{"log_level", "debug, info, warn or error", "info", func(c *config, v string) error {
			if !slices.Contains([]string{"debug", "info", "warn", "error"}, v) {
				return fmt.Errorf("%q is not debug, info, warn or error", v)
			}
			return c.logLevel.UnmarshalText([]byte(v))
		}},
	}
}

func setPath(field *string, v string) (err error) {
	if v == "" || strings.ContainsRune(v, 0) {
		return fmt.Errorf("%q is not a name", v)
	}
	*field, err = filepath.Abs(v)
	return err
}

func checkAddress(v string) error {
	host, port, err := net.SplitHostPort(v)
	if err != nil {
		return err
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || host == "" {
		return fmt.Errorf("%q is not host:port", v)
	}
	return nil
}

// sources says where the configuration comes from, the later over the earlier.
type sources struct {
	file     string
	optional bool // a missing file is no error
	environ  []string
	flags    map[string]string // by setting's flag, those that are given
}

// loader gathers settings and what is wrong with them.
type loader struct {
	config   config
	list     []setting
	given    map[string]bool
	problems []error
}

func (l *loader) problem(format string, args ...any) {
	l.problems = append(l.problems, fmt.Errorf(format, args...))
}

func (l *loader) set(s setting, where, value string) {
	l.given[s.name] = true
	if err := s.set(&l.config, value); err != nil {
		l.problem("%s: %w", where, err)
	}
}

// load reads the configuration and checks that it is whole. Its error, a
// configError, names every problem there is.
func load(src sources) (config, error) {
	l := &loader{list: settings(), given: map[string]bool{}}
	for _, s := range l.list {
		if s.value != "" {
			l.set(s, s.name, s.value)
		}
	}
	if err := l.readFile(src); err != nil {
		l.problem("configuration: %w", err)
	}
	for _, s := range l.list {
		for _, e := range src.environ {
			if v, ok := strings.CutPrefix(e, s.env()+"="); ok {
				l.set(s, s.env(), v)
			}
		}
		if v, ok := src.flags[s.flag()]; ok {
			l.set(s, "--"+s.flag(), v)
		}
	}
	if !l.given["collector"] {
		l.problem("collector is not set: in %s, with SEAWALL_UPLINK_COLLECTOR or --collector", src.file)
	}
	if l.config.tokenFile == "" {
		l.config.tokenFile = filepath.Join(l.config.stateDir, "token")
	}
	if len(l.problems) > 0 {
		return l.config, configError{errors.Join(l.problems...)}
	}
	return l.config, nil
}

func (l *loader) readFile(src sources) error {
	name, err := filepath.Abs(src.file)
	if err != nil {
		return err
	}
	data, err := hostfs.Root{}.ReadFile(name, 0)
	if err != nil {
		if src.optional && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil // nothing, or comments alone
		}
		return fmt.Errorf("%s: %w", src.file, err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: more than one document", src.file)
	}
	top := doc.Content[0]
	if top.Kind == yaml.ScalarNode && top.Tag == "!!null" {
		return nil
	}
	if top.Kind != yaml.MappingNode {
		return fmt.Errorf("%s:%d: want settings as \"name: value\"", src.file, top.Line)
	}
	l.readSettings(src.file, top)
	return nil
}

func (l *loader) readSettings(file string, top *yaml.Node) {
	lines := map[string]int{}
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, value := top.Content[i], top.Content[i+1]
		where := fmt.Sprintf("%s:%d", file, key.Line)
		j := slices.IndexFunc(l.list, func(s setting) bool { return s.name == key.Value })
		switch {
		case j < 0:
			l.problem("%s: unknown setting %q", where, key.Value)
		case lines[key.Value] > 0:
			l.problem("%s: %s stands on line %d already", where, key.Value, lines[key.Value])
		case value.Kind != yaml.ScalarNode || value.Tag == "!!null":
			l.problem("%s: %s: want one value", where, key.Value)
		default:
			lines[key.Value] = key.Line
			l.set(l.list[j], where+": "+key.Value, value.Value)
		}
	}
}
