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

	"seawall/agent/uplink"
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
	pin        string
	stateDir   string
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
			return setDir(&c.spool, v)
		}},
		{"collector", "address of the collector, host:port", "", func(c *config, v string) error {
			c.collector = v
			return checkAddress(v)
		}},
		{"pin", "fingerprint of the collector's key, sha256:…", "", func(c *config, v string) error {
			c.pin = v
			_, err := uplink.ParsePin(v)
			return err
		}},
		{"state_dir", "directory of this program's key and state", "/var/lib/seawall-uplink", func(c *config, v string) error {
			return setDir(&c.stateDir, v)
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

func setDir(field *string, v string) (err error) {
	if v == "" || strings.ContainsRune(v, 0) {
		return fmt.Errorf("%q is not a directory's name", v)
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

// load reads the configuration and checks that it is whole. Its error, a
// configError, names every problem there is.
func load(src sources) (config, error) {
	var c config
	list := settings()
	given := map[string]string{}
	var problems []error
	add := func(s setting, where, v string) {
		given[s.name] = v
		if err := s.set(&c, v); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", where, err))
		}
	}
	for _, s := range list {
		if s.value != "" {
			add(s, s.name, s.value)
		}
	}
	if err := readFile(src, list, add); err != nil {
		problems = append(problems, err)
	}
	for _, s := range list {
		for _, e := range src.environ {
			if v, ok := strings.CutPrefix(e, s.env()+"="); ok {
				add(s, s.env(), v)
			}
		}
		if v, ok := src.flags[s.flag()]; ok {
			add(s, "--"+s.flag(), v)
		}
	}
	for _, name := range []string{"collector", "pin"} {
		if _, ok := given[name]; !ok {
			problems = append(problems, fmt.Errorf("%s is not set: in %s, with SEAWALL_UPLINK_%s or --%s", name, src.file, strings.ToUpper(name), name))
		}
	}
	if len(problems) > 0 {
		return c, configError{errors.Join(problems...)}
	}
	return c, nil
}

// readFile reads settings from the file. Its problems start with file and line.
func readFile(src sources, list []setting, add func(s setting, where, v string)) error {
	name, err := filepath.Abs(src.file)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	data, err := hostfs.Root{}.ReadFile(name, 0)
	if err != nil {
		if src.optional && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return fmt.Errorf("configuration: %w", err)
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
	var problems []error
	seen := map[string]int{}
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, value := top.Content[i], top.Content[i+1]
		where := fmt.Sprintf("%s:%d", src.file, key.Line)
		j := slices.IndexFunc(list, func(s setting) bool { return s.name == key.Value })
		switch {
		case j < 0:
			problems = append(problems, fmt.Errorf("%s: unknown setting %q", where, key.Value))
		case seen[key.Value] > 0:
			problems = append(problems, fmt.Errorf("%s: %s stands on line %d already", where, key.Value, seen[key.Value]))
		case value.Kind != yaml.ScalarNode || value.Tag == "!!null":
			problems = append(problems, fmt.Errorf("%s: %s: want one value", where, key.Value))
		default:
			seen[key.Value] = key.Line
			add(list[j], where+": "+key.Value, value.Value)
		}
	}
	return errors.Join(problems...)
}
