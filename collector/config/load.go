package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"seawall/collector/option"
)

const (
	environment = "SEAWALL_COLLECTOR_"
	maxFile     = 1 << 20
)

// Load sets the options from file, environment and command line, in this order,
// and checks them all. Flags are those of the whole program: what belongs to one
// command alone has no place in a file. Its error is an Error.
func (c *Config) Load(flags *pflag.FlagSet) error {
	given := make(map[string]string)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed {
			given[f.Name] = f.Value.String()
		}
	})
	if v, ok := os.LookupEnv(environment + "CONFIG"); ok && !flags.Lookup("config").Changed {
		given["config"], c.File = v, v
	}
	_, named := given["config"]
	if err := loadFile(c.File, named, flags); err != nil {
		return Error{err}
	}
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		name := environment + strings.ToUpper(Key(f.Name))
		if v, ok := os.LookupEnv(name); ok {
			if err := f.Value.Set(v); err != nil {
				errs = append(errs, fmt.Errorf("environment %s: %w", name, err))
			}
		}
	})
	for name, v := range given {
		errs = append(errs, flags.Lookup(name).Value.Set(v))
	}
	if err := errors.Join(append(errs, c.check())...); err != nil {
		return Error{err}
	}
	return nil
}

// Key is the name of a flag in the file.
func Key(flag string) string { return strings.ReplaceAll(flag, "-", "_") }

// loadFile sets flags from a YAML file. A file that was not named may be absent.
func loadFile(name string, named bool, flags *pflag.FlagSet) error {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return nil
	}
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return fmt.Errorf("configuration %s: not a regular file of at most %d bytes", name, maxFile)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	if err := setFromYAML(data, flags); err != nil {
		return fmt.Errorf("configuration %s: %w", name, err)
	}
	return nil
}

func setFromYAML(data []byte, flags *pflag.FlagSet) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return err
	}
	if len(doc.Content) == 0 {
		return nil
	}
	m := doc.Content[0]
	if m.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: not a list of keys and values", m.Line)
	}
	var errs []error
	seen := make(map[string]bool)
	for i := 0; i+1 < len(m.Content); i += 2 {
		k, v := m.Content[i], m.Content[i+1]
		if err := setKey(k.Value, v, flags, seen); err != nil {
			errs = append(errs, fmt.Errorf("line %d: %q: %w", k.Line, k.Value, err))
		}
	}
	return errors.Join(errs...)
}

func setKey(name string, v *yaml.Node, flags *pflag.FlagSet, seen map[string]bool) error {
	f := flags.Lookup(strings.ReplaceAll(name, "_", "-"))
	switch {
	case f == nil || f.Name == "config" || f.Name == "help" || Key(f.Name) != name:
		return errors.New("no such option")
	case seen[name]:
		return errors.New("set twice")
	}
	seen[name] = true
	value := v.Value
	if _, many := f.Value.(*option.List); many && v.Kind == yaml.SequenceNode {
		var items []string
		for _, item := range v.Content {
			items = append(items, item.Value)
		}
		value = strings.Join(items, ",")
	} else if v.Kind != yaml.ScalarNode {
		return errors.New("not a single value")
	}
	return f.Value.Set(value)
}
