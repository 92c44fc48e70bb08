// Package flags puts the sensor's settings on the command line of cobra commands.
package flags

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"seawall/agent/config"
)

// Flags holds the settings that a command line gives.
type Flags struct {
	file   string
	values map[string]*string
}

// Add adds --config, and a flag for each of the named settings, for all when none
// is named.
func (f *Flags) Add(cmd *cobra.Command, names ...string) {
	cmd.Flags().StringVar(&f.file, "config", config.DefaultPath, "configuration file")
	def := config.Default()
	f.values = map[string]*string{}
	for _, set := range config.Settings() {
		if len(names) == 0 || slices.Contains(names, set.Name) {
			f.values[set.Flag()] = cmd.Flags().String(set.Flag(), set.Value(&def), set.Help)
		}
	}
}

// LoadReadable is Load for people who look once: paths on their command line begin
// where they are, and a file that they may not read, and did not ask for, counts as
// missing.
func (f *Flags) LoadReadable(cmd *cobra.Command, environ []string) (config.Config, error) {
	for _, set := range config.Settings() {
		value := f.values[set.Flag()]
		if value == nil || *value == "" || !cmd.Flags().Changed(set.Flag()) || !set.IsPath() {
			continue
		}
		abs, err := filepath.Abs(*value)
		if err != nil {
			return config.Config{}, fmt.Errorf("--%s: %w", set.Flag(), err)
		}
		*value = abs
	}
	c, err := f.Load(cmd, environ)
	if errors.Is(err, fs.ErrPermission) && !cmd.Flags().Changed("config") {
		f.file = ""
		return f.Load(cmd, environ)
	}
	return c, err
}

// Files are those that the configuration, and what it names, are read from.
func (f *Flags) Files(c config.Config) []string {
	return []string{f.file, c.ChecksDir, c.WaiversDir, c.TagsFile, c.AuditRulesDir, c.DetectionsDir, c.AllowFile}
}

// Load reads the configuration. The file may be missing unless it was asked for.
func (f *Flags) Load(cmd *cobra.Command, environ []string) (config.Config, error) {
	given := map[string]string{}
	for name, value := range f.values {
		if cmd.Flags().Changed(name) {
			given[name] = *value
		}
	}
	return config.Load(config.Sources{
		File: f.file, Optional: !cmd.Flags().Changed("config"), Environ: environ, Flags: given,
	})
}
