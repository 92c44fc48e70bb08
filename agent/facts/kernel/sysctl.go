package kernel

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
	"seawall/pkg/redact"
	"seawall/pkg/shellconf"
	"seawall/pkg/sysctlconf"
	"seawall/pkg/text"
)

const (
	maxValue = 512 // bytes of a setting that is kept: those that are judged are numbers and names
	maxDrift = 512 // settings that are compared
)

// Running returns the running values of settings, as /proc/sys of the process
// that asks has them. What cannot be read is not in it.
func Running(root hostfs.Root, keys []string) map[string]string {
	got := map[string]string{}
	for _, k := range keys {
		if v, err := running(root, k); err == nil {
			got[k] = v
		}
	}
	return got
}

func running(root hostfs.Root, key string) (string, error) {
	b, err := root.ReadFile("/proc/sys/"+sysctlconf.Normalize(key), 4096)
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(b), "\n"), nil
}

// settings reads every setting and what is wrong with the configuration.
type settings struct {
	env    fact.Env
	config *sysctlconf.Config
	starts map[string]string
	// asked holds the running values of /proc/sys/net where this process is in another
	// network than the host's. foreign says why those are not known that are not in it.
	asked   map[string]string
	foreign string
}

func readSysctl(ctx context.Context, f *Facts, env fact.Env, network Network) {
	s := &settings{env: env, config: sysctlconf.Load(env.Root)}
	unread := unreadFile(env.Root, s.config)
	if ufw(env.Root) {
		s.config.Add(env.Root, ufwFile)
	}
	s.starts = starts(env.Root, f.Release, distribution(env.Root))
	if env.Live() {
		s.foreign = foreignNet(env.Root)
	}
	if s.foreign != "" && network != nil {
		var err error
		if s.asked, err = network(ctx, env); err != nil {
			s.foreign += ": " + err.Error()
		}
	}
	f.Sysctl = map[string]Sysctl{}
	for _, k := range Keys() {
		f.Sysctl[k] = s.one(k)
	}
	f.Config.Known = len(s.config.Problems) == 0
	f.Config.Problems = append([]string{}, s.config.Problems...)
	f.Config.Unread = unread
	f.Config.DriftKnown = env.Live() && f.Config.Known
	var more bool
	if f.Config.Drift, more = s.drift(&f.Config.Compared); more {
		f.Meta.Leave("sysctl_config.drift", "there are more settings than are compared")
	}
	f.Meta.Depend(s.config.Depends...)
	f.Meta.Depend("/etc/sysctl.conf", ufwConf, ufwDefaults, ufwFile)
	if f.Release != "" {
		f.Meta.Depend("/boot/config-" + f.Release)
	}
}

// one reads one setting.
func (s *settings) one(key string) Sysctl {
	v := Sysctl{Name: key, Present: true, Values: []string{}}
	s.now(&v)
	s.next(&v)
	if v.RunningKnown {
		v.Values = append(v.Values, v.Running)
	}
	if v.AfterKnown {
		v.Values = append(v.Values, v.After)
	}
	if v.Unknown = unknown(&v); v.Unknown == "" && len(s.config.Problems) > 0 {
		v.Unknown = s.config.Problems[0] // it may set this one
	}
	v.Text = describe(&v)
	return v
}

// now reads the running value.
func (s *settings) now(v *Sysctl) {
	switch {
	case !s.env.Live():
		v.Reason = "the kernel of an image does not run"
		return
	case s.foreign != "" && strings.HasPrefix(v.Name, "net."):
		got, ok := s.asked[v.Name]
		v.Running, v.RunningKnown = plain(v.Name, got), ok
		if !ok {
			v.Reason = s.foreign
		}
		return
	}
	got, err := running(s.env.Root, v.Name)
	v.Running, v.RunningKnown = plain(v.Name, got), err == nil
	if errors.Is(err, fs.ErrNotExist) {
		v.Present, v.Reason = false, "the kernel has no such setting"
	} else if err != nil {
		v.Reason = err.Error()
	}
}

// unknown says why not both values are known, "" if they are.
func unknown(v *Sysctl) string {
	switch {
	case !v.AfterKnown && v.Set:
		return v.File + " sets no number"
	case !v.RunningKnown:
		return v.Reason
	case !v.AfterKnown:
		return v.Running + " now; nothing sets it for the next boot, and what this kernel starts with is not known"
	}
	return ""
}

// describe says both values for people.
func describe(v *Sysctl) string {
	now, then := v.Running+" now", v.After+" after the next boot"
	if !v.RunningKnown {
		now = "not known now"
	}
	if !v.AfterKnown {
		then = "not set for the next boot"
		if v.Set {
			then = "not known after the next boot"
		}
	}
	said := now + ", " + then
	if v.RunningKnown && v.AfterKnown && v.Running == v.After {
		said = v.Running
	}
	if v.AfterKnown && !v.Set {
		said += " (not set, the kernel's default)"
	}
	return said
}

// next says what the setting will be after the next boot.
func (s *settings) next(v *Sysctl) {
	names := []string{v.Name}
	if t := twin(v.Name); t != "" {
		names = append(names, t)
	}
	line, ok := s.config.Last(names...)
	if !ok {
		v.After, v.AfterKnown = s.starts[v.Name]
		return
	}
	v.Set, v.File, v.Line, v.Raw = true, line.File, line.Line, line.Raw
	if worded(v.Name) {
		v.Raw = redact.Text(line.Raw)
	}
	v.Next = plain(v.Name, line.Value)
	v.After, v.AfterKnown = v.Next, worded(v.Name) || isNumber(v.Next)
	if !v.AfterKnown {
		v.After = ""
	}
}

// plain writes a value as the checks compare it: a number in decimal.
func plain(key, value string) string {
	if worded(key) {
		return text.Clean(redact.Text(value), maxValue) // a command with arguments
	}
	words := strings.Fields(value)
	for i, w := range words {
		words[i] = number(w)
	}
	return text.Clean(strings.Join(words, " "), maxValue)
}

// number writes what the kernel takes for a number as it prints it.
func number(w string) string {
	digits := strings.ToLower(strings.TrimPrefix(w, "-"))
	if strings.HasPrefix(digits, "0b") || strings.ContainsAny(digits, "_+o") {
		return w // numbers of Go, not of the kernel
	}
	if n, err := strconv.ParseInt(w, 0, 64); err == nil {
		return strconv.FormatInt(n, 10)
	}
	return w
}

func isNumber(s string) bool {
	_, err := strconv.ParseInt(s, 10, 64)
	return err == nil
}

// drift compares the configuration with the running kernel. more says that not all
// settings were compared.
func (s *settings) drift(compared *int) (found []Assignment, more bool) {
	found = []Assignment{}
	if !s.env.Live() {
		return found, false
	}
	for _, line := range s.config.Explicit() {
		key := strings.ReplaceAll(line.Key, "/", ".")
		if slices.Contains(strings.Split(line.Key, "/"), "..") || s.foreign != "" && strings.HasPrefix(key, "net.") {
			continue
		}
		if t := twin(key); t != "" {
			if last, _ := s.config.Last(key, t); last.Key != line.Key {
				continue
			}
		}
		got, err := running(s.env.Root, line.Key)
		if err != nil {
			continue // written only, or of a kernel or module that is not there
		}
		if *compared == maxDrift {
			return found, true
		}
		*compared++
		if want, is := strings.Fields(plain(key, line.Value)), strings.Fields(plain(key, got)); !same(want, is) {
			found = append(found, Assignment{Key: text.Clean(key, maxValue), Value: text.Clean(line.Value, maxValue),
				Running: text.Clean(got, maxValue), File: line.File, Line: line.Line, Raw: line.Raw})
		}
	}
	return found, false
}

// same reports whether a value was taken: of several numbers the first may be
// written alone.
func same(want, is []string) bool {
	return len(want) > 0 && len(want) <= len(is) && slices.Equal(want, is[:len(want)]) || len(want)+len(is) == 0
}

// unreadFile returns the lines of /etc/sysctl.conf that count for nothing at boot:
// systemd reads that file only where a link in sysctl.d leads to it. Where there is
// no systemd it is read last, and added.
func unreadFile(root hostfs.Root, c *sysctlconf.Config) []Assignment {
	const name = "/etc/sysctl.conf"
	lost := []Assignment{}
	if slices.Contains(c.Depends, name) {
		return lost
	}
	if !root.Exists("/usr/lib/systemd/systemd-sysctl") && !root.Exists("/lib/systemd/systemd-sysctl") {
		c.Add(root, name)
		return lost
	}
	b, err := root.ReadFile(name, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return lost
	}
	if err != nil {
		c.Problems = append(c.Problems, err.Error())
	}
	for _, line := range sysctlconf.Parse(name, b) {
		if s, ok := c.Lookup("/" + line.Key); line.Except || ok && s.Value == line.Value {
			continue
		}
		if len(lost) < maxDrift { // each one is a finding
			lost = append(lost, Assignment{Key: text.Clean(strings.ReplaceAll(line.Key, "/", "."), maxValue),
				Value: text.Clean(line.Value, maxValue), File: name, Line: line.Line, Raw: line.Raw})
		}
	}
	return lost
}

const (
	ufwFile     = "/etc/ufw/sysctl.conf"
	ufwConf     = "/etc/ufw/ufw.conf"
	ufwDefaults = "/etc/default/ufw"
)

// ufw reports whether ufw sets its own file's lines at boot, after the others.
func ufw(root hostfs.Root) bool {
	conf, _ := root.ReadFile(ufwConf, 0) // without it ufw is not there
	defaults, _ := root.ReadFile(ufwDefaults, 0)
	return shellconf.Last(ufwConf, conf, "ENABLED").Value == "yes" && shellconf.Last(ufwDefaults, defaults, "IPT_SYSCTL").Value == ufwFile
}

// foreignNet says why /proc/sys/net is not the host's, "" if it is.
func foreignNet(root hostfs.Root) string {
	mine, err := root.Readlink("/proc/self/ns/net")
	first, err1 := root.Readlink("/proc/1/ns/net")
	switch {
	case err == nil && err1 == nil && mine == first:
		return ""
	case err == nil && err1 == nil:
		return "this process has a network of its own"
	case root.Exists("/proc/sys/net/core/dev_weight"): // in no other than the kernel's first
		return ""
	}
	return "this process may have a network of its own"
}

// starts says what the kernel gives the settings at boot.
func starts(root hostfs.Root, release, distro string) map[string]string {
	m := map[string]string{}
	for k, s := range constant() {
		m[k] = s.value
	}
	options := map[string]string{}
	for _, s := range built() {
		if s.config != "" {
			options[s.config] = ""
		}
	}
	known := kernelConfig(root, release, options) == nil
	for k, s := range built() {
		value := options[s.config]
		switch {
		case s.config == "":
			if v := s.distro[distro]; v != "" {
				m[k] = v
			}
		case !known:
		case s.yes == "" && value != "":
			m[k] = plain(k, value)
		case s.yes != "" && value == "y":
			m[k] = s.yes
		case s.yes != "":
			m[k] = s.no
		}
	}
	return m
}

const maxKernelConfig = 1 << 20

// kernelConfig reads options of the configuration that a kernel was built with.
func kernelConfig(root hostfs.Root, release string, options map[string]string) error {
	if release == "" || strings.Contains(release, "/") {
		return fs.ErrNotExist
	}
	file, _, err := root.OpenFile(path.Join("/boot", "config-"+release))
	if errors.Is(err, fs.ErrNotExist) {
		file, _, err = root.OpenFile(path.Join("/lib/modules", release, "config"))
	}
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(io.LimitReader(file, maxKernelConfig))
	lines.Buffer(make([]byte, 0, 64<<10), 64<<10)
	for lines.Scan() {
		line := lines.Bytes()
		if len(line) == 0 || line[0] != 'C' {
			continue
		}
		i := slices.Index(line, '=')
		if i < 0 {
			continue
		}
		if _, wanted := options[string(line[:i])]; wanted {
			options[string(line[:i])] = strings.Trim(string(line[i+1:]), `"`)
		}
	}
	return lines.Err()
}
