package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"seawall/agent/facts/fact"
	"seawall/pkg/modprobe"
	"seawall/pkg/redact"
	"seawall/pkg/text"
)

const maxForeign = 256 // that are listed: each one is a finding

// readModules reads the modules that are looked at, and the loaded ones that are
// not the distribution's.
func readModules(f *Facts, env fact.Env) {
	config := modprobe.Load(env.Root)
	if env.Live() {
		if line, err := env.Root.ReadFile("/proc/cmdline", 0); err == nil {
			config.CommandLine("/proc/cmdline", string(line))
		}
	}
	f.Meta.Depend(config.Depends...)
	names := modules()
	under := make([]string, len(names))
	for i, n := range names {
		under[i] = modprobe.Name(n)
	}
	files, filesErr := modprobe.Find(env.Root, under)
	loaded, loadedErr := readLoaded(f, env)
	f.Modules = map[string]Module{}
	for i, n := range names {
		k := under[i]
		_, in := loaded[k]
		m := Module{Name: n, Loaded: in, LoadedKnown: loadedErr == nil, FilesKnown: filesErr == nil,
			Available: files.Loadable[k], Builtin: files.Builtin[k]}
		// One that nothing can load is not there, wherever its files are not seen.
		line, none := config.Install(k)
		m.InstallNone = none && line.Inert()
		black, listed := config.Blacklist(k)
		m.Blacklisted = listed
		if !none {
			line = black
		}
		m.File, m.Line, m.Raw = line.File, line.Line, redact.Text(line.Raw)
		f.Modules[k] = m
	}
}

// readLoaded reads /proc/modules: the flags of taint of each module that is loaded.
func readLoaded(f *Facts, env fact.Env) (map[string]string, error) {
	loaded := map[string]string{}
	f.Taint.Faults, f.Taint.Foreign = []string{}, []Foreign{}
	if !env.Live() {
		f.Taint.Reason = "the kernel of an image does not run"
		return loaded, errors.New(f.Taint.Reason)
	}
	b, err := env.Root.ReadFile("/proc/modules", 0)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // a kernel without modules has no such file
		f.Taint.Reason = err.Error()
		return loaded, err
	}
	for line := range strings.Lines(string(b)) {
		words := strings.Fields(line)
		if len(words) < 6 {
			continue
		}
		name, flags := words[0], ""
		if last := words[len(words)-1]; strings.HasPrefix(last, "(") {
			flags = strings.Trim(last, "()+-")
		}
		loaded[name] = flags
		if why := meaning(flags); why != "" && len(f.Taint.Foreign) < maxForeign {
			f.Taint.Foreign = append(f.Taint.Foreign, Foreign{Name: text.Clean(name, maxValue), Flags: text.Clean(flags, maxValue), Why: why})
		}
	}
	readTaint(f, env)
	return loaded, nil
}

// meaning says what is foreign about a module with these flags, "" if nothing is.
func meaning(flags string) string {
	var why []string
	for _, f := range flags {
		switch f {
		case 'O':
			why = append(why, "built outside of the kernel")
		case 'E':
			why = append(why, "not signed")
		case 'F':
			why = append(why, "loaded by force")
		}
	}
	return strings.Join(why, ", ")
}

func readTaint(f *Facts, env fact.Env) {
	value, err := running(env.Root, "kernel.tainted")
	if err == nil {
		f.Taint.Value, err = strconv.Atoi(value)
	}
	if err != nil {
		f.Taint.Reason = fmt.Sprintf("read what taints the kernel: %v", err)
		return
	}
	f.Taint.Known = true
	for _, bit := range []struct {
		number int
		means  string
	}{{4, "the CPU reported a machine check"}, {5, "a page of memory was found corrupt"}, {7, "the kernel has oopsed"}, {14, "a CPU hung for too long"}} {
		if f.Taint.Value&(1<<bit.number) != 0 {
			f.Taint.Faults = append(f.Taint.Faults, bit.means)
		}
	}
}
