package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"seawall/pkg/hostfs"
)

// DefaultPath is where the sensor's configuration stands.
const DefaultPath = "/etc/seawall/sensor.yaml"

// Config is the sensor's configuration.
type Config struct {
	SpoolDir          string        // where findings wait for the uplink
	SpoolMaxBytes     int64         // bound of the spool on disk
	StateInterval     time.Duration // between two full states
	HeartbeatInterval time.Duration
	AuditMode         string        // auto, unicast, multicast, off
	AuditProfile      string        // what kernel audit is asked for: drift, detect, cis
	AuditRulesDir     string        // audit rules of your own; may be missing
	Detect            bool          // whether audit events are held against the detections
	DetectionsDir     string        // detections of your own; may be missing
	AllowFile         string        // what is known and wanted; may be missing
	RedactWords       []string      // whose values in command lines are secret, beside the usual
	Coalesce          time.Duration // from a change to the evaluation, for changes in a row
	LogLevel          slog.Level
	ChecksDir         string // checks beside the built-in ones; may be missing
	WaiversDir        string // failures that somebody answers for; may be missing
	TagsFile          string // the host's tags; may be missing
	Profile           string // the checks that are evaluated
}

// Default returns the configuration with nothing configured.
func Default() Config {
	return Config{
		SpoolDir:          "/var/lib/seawall/spool",
		SpoolMaxBytes:     144 << 20,
		StateInterval:     6 * time.Hour,
		HeartbeatInterval: time.Minute,
		AuditMode:         "auto",
		AuditProfile:      "drift",
		AuditRulesDir:     "/etc/seawall/audit.d",
		Detect:            true,
		DetectionsDir:     "/etc/seawall/detections.d",
		AllowFile:         "/etc/seawall/allow.yaml",
		Coalesce:          100 * time.Millisecond,
		LogLevel:          slog.LevelInfo,
		ChecksDir:         "/etc/seawall/checks.d",
		WaiversDir:        "/etc/seawall/waivers.d",
		TagsFile:          "/etc/seawall/tags",
		Profile:           "baseline",
	}
}

// Lanes divides the spool: heartbeats need little, and a flood of one kind of
// finding leaves the other its place.
func (c *Config) Lanes() map[string]int64 {
	health := c.SpoolMaxBytes / 9
	detections := (c.SpoolMaxBytes - health) / 2
	return map[string]int64{"posture": c.SpoolMaxBytes - health - detections, "detections": detections, "health": health}
}

// PendingFile is where the sensor keeps since when packages are pending: beside
// the spool, in a folder that is not the uplink's to read.
func (c *Config) PendingFile() string {
	return filepath.Join(filepath.Dir(c.SpoolDir), "sensor", "pending.json")
}

// Setting describes one setting and sets it from text.
type Setting struct {
	Name string // in the file; the environment and the command line derive theirs
	Help string
	set  func(*Config, string) error
	get  func(*Config) string
}

// Env is the setting's name in the environment.
func (s Setting) Env() string { return "SEAWALL_" + strings.ToUpper(s.Name) }

// Flag is the setting's name on the command line: with dashes, and without "_dir".
func (s Setting) Flag() string {
	return strings.ReplaceAll(strings.TrimSuffix(s.Name, "_dir"), "_", "-")
}

// IsPath reports whether the setting is the name of a file or directory.
func (s Setting) IsPath() bool {
	return strings.HasSuffix(s.Name, "_dir") || strings.HasSuffix(s.Name, "_file")
}

// Value returns the setting's value in c, as it would be written.
func (s Setting) Value(c *Config) string { return s.get(c) }

// Settings lists every setting there is.
func Settings() []Setting {
	return []Setting{
		{"spool_dir", "directory of the spool", setDir(func(c *Config) *string { return &c.SpoolDir }),
			func(c *Config) string { return c.SpoolDir }},
		{"spool_max_bytes", "bound of the spool on disk", setSize, func(c *Config) string { return formatSize(c.SpoolMaxBytes) }},
		{"state_interval", "time between two full states",
			setDuration(time.Minute, 7*24*time.Hour, func(c *Config) *time.Duration { return &c.StateInterval }),
			func(c *Config) string { return c.StateInterval.String() }},
		{"heartbeat_interval", "time between two heartbeats",
			setDuration(time.Second, time.Hour, func(c *Config) *time.Duration { return &c.HeartbeatInterval }),
			func(c *Config) string { return c.HeartbeatInterval.String() }},
		{"audit_mode", "how kernel audit is read: auto, unicast, multicast or off",
			setWord(func(c *Config) *string { return &c.AuditMode }, "auto", "unicast", "multicast", "off"),
			func(c *Config) string { return c.AuditMode }},
		{"audit_profile", "what kernel audit is asked for: drift (files that checks depend on), detect (what the detections need) or cis",
			setWord(func(c *Config) *string { return &c.AuditProfile }, "drift", "detect", "cis"),
			func(c *Config) string { return c.AuditProfile }},
		{"audit_rules_dir", "directory of your own audit rules", setDir(func(c *Config) *string { return &c.AuditRulesDir }),
			func(c *Config) string { return c.AuditRulesDir }},
		{"detect", "whether audit events are held against the detections: on or off", setSwitch(func(c *Config) *bool { return &c.Detect }),
			func(c *Config) string { return onOff(c.Detect) }},
		{"detections_dir", "directory of your own detections", setDir(func(c *Config) *string { return &c.DetectionsDir }),
			func(c *Config) string { return c.DetectionsDir }},
		{"allow_file", "file of what the detections shall not tell", setDir(func(c *Config) *string { return &c.AllowFile }),
			func(c *Config) string { return c.AllowFile }},
		{"redact_words", "names whose values in command lines are secret, beside the usual, with commas between", setWords,
			func(c *Config) string { return strings.Join(c.RedactWords, ",") }},
		{"coalesce", "how long changes in a row are gathered before checks run again",
			setDuration(0, 10*time.Second, func(c *Config) *time.Duration { return &c.Coalesce }),
			func(c *Config) string { return c.Coalesce.String() }},
		{"log_level", "debug, info, warn or error", setLevel,
			func(c *Config) string { return strings.ToLower(c.LogLevel.String()) }},
		{"checks_dir", "directory of your own checks", setDir(func(c *Config) *string { return &c.ChecksDir }),
			func(c *Config) string { return c.ChecksDir }},
		{"waivers_dir", "directory of waivers", setDir(func(c *Config) *string { return &c.WaiversDir }),
			func(c *Config) string { return c.WaiversDir }},
		{"tags_file", "file of the host's tags, which overrides may ask for", setDir(func(c *Config) *string { return &c.TagsFile }),
			func(c *Config) string { return c.TagsFile }},
		{"profile", "the checks to evaluate: baseline, cis-1, cis-2, image, all or one of your own", setProfile,
			func(c *Config) string { return c.Profile }},
	}
}

// Sources says where the configuration comes from.
type Sources struct {
	File     string            // "" reads none
	Optional bool              // a missing File is no error
	Environ  []string          // as os.Environ gives it
	Flags    map[string]string // by Setting.Flag: those given on the command line
}

// Load reads the configuration. Its error joins every problem found.
func Load(src Sources) (Config, error) {
	c := Default()
	var problems []error
	if src.File != "" {
		if err := c.readFile(src.File); err != nil && (!src.Optional || !errors.Is(err, fs.ErrNotExist)) {
			problems = append(problems, err)
		}
	}
	for _, s := range Settings() {
		if v, ok := lookup(src.Environ, s.Env()); ok {
			if err := s.set(&c, v); err != nil {
				problems = append(problems, fmt.Errorf("environment: %s: %w", s.Env(), err))
			}
		}
		if v, ok := src.Flags[s.Flag()]; ok {
			if err := s.set(&c, v); err != nil {
				problems = append(problems, fmt.Errorf("--%s: %w", s.Flag(), err))
			}
		}
	}
	return c, errors.Join(problems...)
}

func (c *Config) readFile(name string) error {
	abs, err := filepath.Abs(name)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	data, err := hostfs.Root{}.ReadFile(abs, 0)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	return c.parse(name, data)
}

// parse reads the YAML in data, which came from the file name.
func (c *Config) parse(name string, data []byte) error {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil // empty, or comments alone
	case err != nil:
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: more than one document", name)
	}
	top := doc.Content[0]
	if top.Kind == yaml.ScalarNode && top.Tag == "!!null" {
		return nil
	}
	if top.Kind != yaml.MappingNode {
		return fmt.Errorf("%s:%d:%d: want settings as \"name: value\"", name, top.Line, top.Column)
	}
	settings := Settings()
	seen := map[string]int{}
	var problems []error
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, value := top.Content[i], top.Content[i+1]
		if err := c.parseSetting(settings, seen, key, value); err != nil {
			problems = append(problems, fmt.Errorf("%s:%w", name, err))
		}
	}
	return errors.Join(problems...)
}

// parseSetting sets one setting. Its errors start with line and column.
func (c *Config) parseSetting(settings []Setting, seen map[string]int, key, value *yaml.Node) error {
	i := slices.IndexFunc(settings, func(s Setting) bool { return s.Name == key.Value })
	switch {
	case i < 0:
		return fmt.Errorf("%d:%d: unknown setting %q", key.Line, key.Column, key.Value)
	case seen[key.Value] > 0:
		return fmt.Errorf("%d:%d: %s stands on line %d already", key.Line, key.Column, key.Value, seen[key.Value])
	case value.Kind != yaml.ScalarNode || value.Tag == "!!null":
		return fmt.Errorf("%d:%d: %s: want a plain value", value.Line, value.Column, key.Value)
	}
	seen[key.Value] = key.Line
	if err := settings[i].set(c, value.Value); err != nil {
		return fmt.Errorf("%d:%d: %s: %w", value.Line, value.Column, key.Value, err)
	}
	return nil
}

func lookup(environ []string, name string) (string, bool) {
	for _, e := range slices.Backward(environ) {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v, true
		}
	}
	return "", false
}

func setDir(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		if !filepath.IsAbs(v) || strings.ContainsRune(v, 0) {
			return fmt.Errorf("%q is not an absolute path", v)
		}
		*field(c) = filepath.Clean(v)
		return nil
	}
}

func setDuration(least, most time.Duration, field func(*Config) *time.Duration) func(*Config, string) error {
	return func(c *Config, v string) error {
		d, err := time.ParseDuration(v)
		if err != nil {
			return fmt.Errorf("%q is not a duration such as 90s or 6h", v)
		}
		if d < least || d > most {
			return fmt.Errorf("%v is not between %v and %v", d, least, most)
		}
		*field(c) = d
		return nil
	}
}

// Bounds of the spool: less holds no full state, more is a mistake.
const (
	minSpool = 8 << 20
	maxSpool = 64 << 30
)

func setSize(c *Config, v string) error {
	digits := strings.TrimSpace(v)
	unit := int64(1)
	for i, u := range []string{"KiB", "MiB", "GiB"} {
		if d, ok := strings.CutSuffix(digits, u); ok {
			digits, unit = strings.TrimSpace(d), 1<<(10*(i+1))
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > maxSpool/unit || n*unit < minSpool {
		return fmt.Errorf("%q is not a size between %s and %s", v, formatSize(minSpool), formatSize(maxSpool))
	}
	c.SpoolMaxBytes = n * unit
	return nil
}

func formatSize(n int64) string {
	for i, u := range []string{"GiB", "MiB", "KiB"} {
		if unit := int64(1) << (10 * (3 - i)); n%unit == 0 {
			return strconv.FormatInt(n/unit, 10) + u
		}
	}
	return strconv.FormatInt(n, 10)
}

func setWord(field func(*Config) *string, words ...string) func(*Config, string) error {
	return func(c *Config, v string) error {
		if !slices.Contains(words, v) {
			return fmt.Errorf("%q is none of %s", v, strings.Join(words, ", "))
		}
		*field(c) = v
		return nil
	}
}

func setSwitch(field func(*Config) *bool) func(*Config, string) error {
	return func(c *Config, v string) error {
		if v != "on" && v != "off" {
			return fmt.Errorf("%q is neither on nor off", v)
		}
		*field(c) = v == "on"
		return nil
	}
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

const maxRedactWords = 64

var redactWord = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{1,63}$`)

// setWords takes names with commas or blanks between; none is none beside the usual.
func setWords(c *Config, v string) error {
	words := strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' })
	if len(words) > maxRedactWords {
		return fmt.Errorf("more than %d words", maxRedactWords)
	}
	for _, w := range words {
		if !redactWord.MatchString(w) {
			return fmt.Errorf("%q is no name of letters, digits, dots, dashes and underscores, two at least", w)
		}
	}
	c.RedactWords = words
	return nil
}

var profileName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// setProfile takes any name: which profiles there are is known when checks are read.
func setProfile(c *Config, v string) error {
	if !profileName.MatchString(v) {
		return fmt.Errorf("%q is no name of a profile", v)
	}
	c.Profile = v
	return nil
}

func setLevel(c *Config, v string) error {
	levels := []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}
	i := slices.IndexFunc(levels, func(l slog.Level) bool { return strings.ToLower(l.String()) == v })
	if i < 0 {
		return fmt.Errorf("%q is none of debug, info, warn, error", v)
	}
	c.LogLevel = levels[i]
	return nil
}
