package kernel

import (
	"cmp"
	"errors"
	"io/fs"
	"path"
	"strings"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/owner"
	"seawall/pkg/hostfs"
	"seawall/pkg/text"
	"seawall/pkg/unitfile"
)

const (
	limitsFile = "/etc/security/limits.conf"
	limitsDir  = "/etc/security/limits.d"
)

// readCore reads what becomes of core dumps. It comes after the settings.
func readCore(f *Facts, env fact.Env) {
	c := &f.Core
	c.Problems = []string{}
	readLimits(c, env.Root)
	c.Installed = env.Root.Exists("/usr/lib/systemd/systemd-coredump") || env.Root.Exists("/lib/systemd/systemd-coredump")
	c.Storage, c.ProcessSizeMax = fact.Text{Value: "external"}, fact.Text{Value: "32G"}
	conf, err := unitfile.LoadConfig(env.Root, "coredump.conf")
	if err != nil {
		c.Problems = append(c.Problems, err.Error())
	} else {
		last(conf, "Storage", &c.Storage)
		last(conf, "ProcessSizeMax", &c.ProcessSizeMax)
	}
	for _, dir := range unitfile.ConfigDirectories() {
		f.Meta.Depend(path.Join(dir, "coredump.conf"), path.Join(dir, "coredump.conf.d")+"/")
	}
	f.Meta.Depend(limitsFile, limitsDir+"/")
	c.handler(f.Sysctl["kernel.core_pattern"], env.Root, f.Container)
}

// last takes the value of a setting that a configuration has in force.
func last(conf *unitfile.Unit, key string, t *fact.Text) {
	values := conf.Values("Coredump", key)
	if len(values) == 0 {
		return
	}
	v := values[len(values)-1]
	*t = fact.Text{Value: text.Clean(v.Value, maxValue), Set: true, File: v.File, Line: v.Line, Raw: text.Clean(key+"="+v.Value, maxValue)}
}

// readLimits finds the line that limits core dumps for everybody.
func readLimits(c *Core, root hostfs.Root) {
	files := []string{limitsFile}
	names, err := root.ReadDir(limitsDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.Problems = append(c.Problems, err.Error())
	}
	for _, n := range names {
		if strings.HasSuffix(n, ".conf") && n[0] != '.' {
			files = append(files, path.Join(limitsDir, n))
		}
	}
	for _, file := range files {
		b, err := root.ReadFile(file, 0)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			c.Problems = append(c.Problems, err.Error())
		default:
			if t, ok := coreLimit(file, b); ok {
				c.Limit = t
			}
		}
	}
	c.LimitZero = c.Limit.Value == "0"
}

// coreLimit returns the last line of a limits.conf(5) that sets everybody's hard
// limit of core: "* hard core 0", or "*  - core 0" for both limits.
func coreLimit(file string, b []byte) (t fact.Text, ok bool) {
	number := 0
	for line := range strings.SplitSeq(string(b), "\n") {
		number++
		code, _, _ := strings.Cut(line, "#")
		w := strings.Fields(code)
		if len(w) != 4 || w[0] != "*" || strings.ToLower(w[2]) != "core" {
			continue
		}
		if kind := strings.ToLower(w[1]); kind != "hard" && kind != "-" {
			continue
		}
		t, ok = fact.Text{Value: text.Clean(w[3], maxValue), Set: true, File: file, Line: number, Raw: text.Clean(strings.TrimSpace(line), maxValue)}, true
	}
	return t, ok
}

// handler finds the program that the kernel gives dumps to. In a container it is
// the host's.
func (c *Core) handler(pattern Sysctl, root hostfs.Root, container bool) {
	value := pattern.After
	if pattern.RunningKnown {
		value = pattern.Running
	}
	c.Absolute = strings.HasPrefix(value, "|") || strings.HasPrefix(value, "/")
	command, piped := strings.CutPrefix(value, "|")
	words := strings.Fields(command)
	if !piped || len(words) == 0 {
		return
	}
	c.Handler = words[0]
	if container {
		c.HandlerSafe.Reason = "the program is one of the container's host"
		return
	}
	ways, err := owner.Weak(root, c.Handler, 0)
	if errors.Is(err, fs.ErrNotExist) { // then whoever can make it
		ways, err = owner.Weak(root, path.Dir(c.Handler), 0)
	}
	if err != nil {
		c.HandlerSafe.Reason = err.Error()
		return
	}
	c.HandlerSafe = fact.Tri{Known: true, Yes: len(ways) == 0, Reason: text.Clean(cmp.Or(strings.Join(ways, ", "), "only root can replace it"), maxValue)}
}
