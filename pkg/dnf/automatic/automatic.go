// Package automatic reads what dnf-automatic and dnf5 automatic would do: the
// service that a timer starts, with its options, and automatic.conf, an INI file
// with the options that decide in section "commands". Options of the service
// override the files. dnf5 reads the distribution's file first and the host's
// after it, and downloads where nothing is said. A file that libdnf refuses
// ([ini.ErrSyntax]) ends the program, so that nothing is installed.
//
// Whether the timer runs is the caller's matter.
package automatic

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"seawall/pkg/dnf/ini"
	"seawall/pkg/hostfs"
	"seawall/pkg/unitfile"
)

// The files of dnf-automatic and dnf5 automatic.
const (
	Program      = "/usr/bin/dnf-automatic"
	File         = "/etc/dnf/automatic.conf"
	DNF5Defaults = "/usr/share/dnf5/dnf5-plugins/automatic.conf"
	DNF5File     = "/etc/dnf/dnf5-plugins/automatic.conf"
)

// What a job does.
const (
	Install  = "install"
	Download = "download"
	Notify   = "notify"
)

// Timers are the timers of dnf-automatic and dnf5 automatic.
func Timers() []string {
	return []string{"dnf-automatic.timer", "dnf-automatic-install.timer", "dnf-automatic-download.timer",
		"dnf-automatic-notifyonly.timer", "dnf5-automatic.timer", "dnf5-automatic-install.timer"}
}

// Wrapped reports whether dnf-automatic is the shell script that calls dnf5.
func Wrapped(root hostfs.Root) bool {
	b, err := root.ReadFile(Program, 64<<10)
	return err == nil && strings.Contains(string(b), "dnf5 automatic")
}

// Job is what a timer's service runs.
type Job struct {
	DNF5     bool
	Files    []string // its configuration, the later ones stronger
	install  *bool    // what its options demand
	download *bool
}

// NewJob is the program without options.
func NewJob(dnf5 bool) Job {
	if dnf5 {
		return Job{DNF5: true, Files: []string{DNF5Defaults, File, DNF5File}}
	}
	return Job{Files: []string{File}}
}

// LoadJob reads what a service executes. wrapped says that dnf-automatic is dnf5.
func LoadJob(root hostfs.Root, service string, wrapped bool) Job {
	u, err := unitfile.Load(root, service)
	if err != nil {
		return NewJob(false)
	}
	lines := u.Values("Service", "ExecStart")
	if len(lines) == 0 {
		return NewJob(false)
	}
	args := strings.Fields(strings.TrimLeft(lines[len(lines)-1].Value, "@-:+!|"))
	program := ""
	if len(args) > 0 {
		program = path.Base(strings.Trim(args[0], `"'`))
		args = args[1:]
	}
	j := NewJob(program == "dnf5" || program == "dnf" || wrapped)
	on, off := true, false
	for _, a := range args {
		switch a = strings.Trim(a, `"'`); {
		case a == "--installupdates":
			j.install = &on
		case a == "--no-installupdates":
			j.install = &off
		case a == "--downloadupdates":
			j.download = &on
		case a == "--no-downloadupdates":
			j.download = &off
		case strings.HasPrefix(a, "/") && !j.DNF5:
			j.Files = []string{a}
		}
	}
	return j
}

// Demands reports whether options say what happens to updates, whatever the
// configuration says.
func (j Job) Demands() bool { return j.install != nil }

// Action is what the job does with its configuration.
func (j Job) Action(c Commands) string {
	install, download := yes(c.Apply), yes(c.Download)
	if j.install != nil {
		install = *j.install
	}
	if j.download != nil {
		download = *j.download
	}
	switch {
	case install:
		return Install
	case download:
		return Download
	}
	return Notify
}

// Setting is an option in force. Set is false for a default, which has no place.
type Setting struct {
	Name  string
	Value string
	Set   bool
	File  string
	Line  int
}

// Commands is the part of the configuration that decides.
type Commands struct {
	Apply, Download, Type, Reboot Setting
	Excludes                      []Setting
}

// Read reads a job's configuration. A value that dnf would not take leaves what the
// file before says, and so does a file that cannot be read, with an error.
func (j Job) Read(root hostfs.Root) (Commands, error) {
	c := Commands{Apply: Setting{Name: "apply_updates", Value: "no"}, Download: Setting{Name: "download_updates", Value: "no"},
		Type: Setting{Name: "upgrade_type", Value: "default"}, Reboot: Setting{Name: "reboot", Value: "never"}}
	if j.DNF5 {
		c.Download.Value = "yes"
	}
	var failed error
	for _, name := range j.Files {
		b, err := root.ReadFile(name, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var sections []ini.Section
		if err == nil {
			sections, err = ini.Parse(string(b))
		}
		if err != nil {
			failed = fmt.Errorf("%s: %w", name, err)
		}
		for _, s := range sections {
			c.take(name, s)
		}
	}
	return c, failed
}

// take takes in what a section sets.
func (c *Commands) take(file string, s ini.Section) {
	for _, o := range s.Options {
		set := Setting{o.Key, o.Value(), true, file, o.Lines[0].Number}
		switch {
		case s.Name == "base" && (o.Key == "excludepkgs" || o.Key == "exclude") && set.Value != "":
			c.Excludes = append(c.Excludes, set)
		case s.Name == "commands":
			c.command(set)
		}
	}
}

// command takes in a setting of the section commands; a value that is none changes
// nothing.
func (c *Commands) command(set Setting) {
	switch {
	case set.Name == "apply_updates" && boolean(set.Value):
		c.Apply = set
	case set.Name == "download_updates" && boolean(set.Value):
		c.Download = set
	case set.Name == "upgrade_type" && (set.Value == "default" || set.Value == "security"):
		c.Type = set
	case set.Name == "reboot":
		c.Reboot = set
	}
}

func yes(s Setting) bool {
	yes, _ := ini.Bool(s.Value)
	return yes
}

func boolean(s string) bool {
	_, ok := ini.Bool(s)
	return ok
}
