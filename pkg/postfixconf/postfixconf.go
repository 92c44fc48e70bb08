package postfixconf

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"seawall/pkg/hostfs"
)

// DefaultDir is where Postfix keeps its configuration.
const DefaultDir = "/etc/postfix"

// Bounds of one configuration.
const (
	maxBytes    = 4 << 20 // each file
	maxSettings = 20_000
	maxServices = 2_000
	maxDepth    = 20
	maxValue    = 64 << 10
	maxSteps    = 10_000 // of expanding one value
)

// ErrLimit is returned for a configuration beyond the limits.
var ErrLimit = errors.New("the configuration is too large to be read")

// Setting is the value of a parameter and where it stands. One that is not set has
// the default as its value, and no place.
type Setting struct {
	Value string
	Set   bool
	File  string
	Line  int
	Raw   string // name = value, before anything is expanded
}

// Service is a line of master.cf.
type Service struct {
	Name    string // "smtp", "submission", "127.0.0.1:10025"
	Type    string // inet, unix, fifo, pass
	Command string
	Args    []string
	Options map[string]Setting // of -o
	File    string
	Line    int
	Raw     string // its fields, without arguments
}

// Config is main.cf and master.cf.
type Config struct {
	Files    []string
	Services []Service // empty where there is no master.cf
	settings map[string]Setting
}

// Load reads the configuration in dir. A missing main.cf is fs.ErrNotExist.
func Load(root hostfs.Root, dir string) (*Config, error) {
	c := &Config{settings: map[string]Setting{}, Files: []string{path.Join(dir, "main.cf"), path.Join(dir, "master.cf")}}
	lines, err := read(root, c.Files[0])
	if err != nil {
		return c, err
	}
	for _, l := range lines {
		name, value, ok := strings.Cut(l.text, "=")
		if !ok {
			return c, fmt.Errorf("%s, line %d: missing '=' after attribute name: %q", c.Files[0], l.number, l.text)
		}
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		c.settings[name] = Setting{Value: value, Set: true, File: c.Files[0], Line: l.number, Raw: name + " = " + value}
	}
	lines, err = read(root, c.Files[1])
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	for _, l := range lines {
		s, err := service(l, c.Files[1])
		if err != nil {
			return c, err
		}
		if c.Services = append(c.Services, s); len(c.Services) > maxServices {
			return c, fmt.Errorf("%s: %w", c.Files[1], ErrLimit)
		}
	}
	return c, nil
}

// Get returns a parameter, expanded; fallback is its default.
func (c *Config) Get(name, fallback string) Setting { return c.GetFor(nil, name, fallback) }

// GetFor returns a parameter as a service has it.
func (c *Config) GetFor(s *Service, name, fallback string) Setting {
	got, ok := c.lookup(s, name)
	if !ok {
		got = Setting{Value: fallback}
	}
	e := expansion{config: c, service: s}
	got.Value = strings.TrimSpace(e.expand(got.Value, 0))
	return got
}

// Words divides a list, as Postfix does, at commas and blanks outside of braces.
func (s Setting) Words() []string { return words(s.Value, ", \t\r\n") }

func (c *Config) lookup(s *Service, name string) (Setting, bool) {
	if s != nil {
		if got, ok := s.Options[name]; ok {
			return got, true
		}
	}
	got, ok := c.settings[name]
	return got, ok
}

// service reads one line of master.cf.
func service(l line, file string) (Service, error) {
	fields := words(l.text, " \t\r")
	if len(fields) < 8 {
		return Service{}, fmt.Errorf("%s, line %d: bad field count", file, l.number)
	}
	s := Service{Name: fields[0], Type: fields[1], Command: fields[7], Args: fields[8:], Options: map[string]Setting{},
		File: file, Line: l.number, Raw: strings.Join(fields[:8], " ")}
	for i := 0; i < len(s.Args); i++ {
		text, ok := strings.CutPrefix(s.Args[i], "-o")
		if !ok {
			continue
		}
		if text == "" {
			if i++; i == len(s.Args) {
				break
			}
			text = s.Args[i]
		}
		if inner, ok := strings.CutPrefix(text, "{"); ok {
			text = strings.TrimSuffix(inner, "}")
		}
		name, value, _ := strings.Cut(text, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		s.Options[name] = Setting{Value: value, Set: true, File: file, Line: l.number, Raw: "-o " + name + "=" + value}
	}
	return s, nil
}

// words divides text at the given characters outside of braces.
func words(text, at string) []string {
	depth := 0
	return strings.FieldsFunc(text, func(r rune) bool {
		switch r {
		case '{':
			depth++
		case '}':
			depth--
		default:
			return depth <= 0 && strings.ContainsRune(at, r)
		}
		return false
	})
}

// line is a logical line.
type line struct {
	text   string
	number int // of its first part
}

// read returns the logical lines of a file.
func read(root hostfs.Root, name string) ([]line, error) {
	data, err := root.ReadFile(name, maxBytes)
	if err != nil {
		return nil, err
	}
	var out []line
	number := 0
	var parts []string
	flush := func() {
		if len(parts) > 0 {
			out[len(out)-1].text = strings.Join(parts, " ")
		}
		parts = nil
	}
	for text := range strings.Lines(string(data)) {
		number++
		bare := strings.TrimSpace(text)
		switch {
		case bare == "" || bare[0] == '#':
		case strings.ContainsAny(text[:1], " \t"):
			if len(out) > 0 {
				parts = append(parts, bare)
			}
		default:
			flush()
			if out = append(out, line{number: number}); len(out) > maxSettings {
				return nil, fmt.Errorf("%s: %w", name, ErrLimit)
			}
			parts = append(parts, bare)
		}
	}
	flush()
	return out, nil
}
