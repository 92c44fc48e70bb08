package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"seawall/agent/report"
)

// build is what the program knows of its own making.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Time     string `json:"time"` // of the revision
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// readBuild takes everything from the build information that Go puts into the
// program, so that no build needs flags and two builds are the same.
func readBuild() build {
	b := build{Version: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Version = info.Main.Version
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

// newVersionCommand says more than --version, for reports of faults.
func (p *program) newVersionCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long:  `Version prints the version and from what the program was built.`,
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			b := readBuild()
			if format == "json" {
				return report.JSON(p.stdout, b)
			}
			fmt.Fprintf(p.stdout, "seawall %s\n", b.Version)
			if b.Revision != "" {
				fmt.Fprintf(p.stdout, "revision %s of %s\n", b.Revision, b.Time)
			}
			if b.Modified {
				fmt.Fprintln(p.stdout, "built from files that were changed after that")
			}
			fmt.Fprintf(p.stdout, "%s %s\n", b.Go, b.Platform)
			return nil
		},
	}
	addFormat(cmd, &format, "text", "json")
	return cmd
}
