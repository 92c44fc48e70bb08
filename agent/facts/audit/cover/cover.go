package cover

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"seawall/pkg/auditrule"
	"seawall/pkg/syscallname"
)

// Host is what must be known of a host to tell which events it can have.
type Host struct {
	UIDMin  uint32 // the first login number of people
	SudoLog string // sudo's own log file, "" where it has none
	// Exists says whether there is a file or directory of that name.
	Exists func(name string) bool
	// Resolve returns the directory that a directory's name leads to by links, the
	// same name where it is none. nil follows none.
	Resolve func(dir string) string
}

// Names are the names by which rules may know a file: its own, and the one behind
// links in its directories (/var/run, /sbin).
func (h Host) Names(name string) []string {
	names := []string{name}
	if h.Resolve == nil {
		return names
	}
	dir, base := name[:strings.LastIndexByte(name, '/')+1], name[strings.LastIndexByte(name, '/')+1:]
	if real := strings.TrimRight(h.Resolve(dir), "/") + "/" + base; real != name {
		names = append(names, real)
	}
	// The other way round, for the links that distributions have.
	for link, target := range map[string]string{"/var/run/": "/run/", "/sbin/": "/usr/sbin/", "/bin/": "/usr/bin/"} {
		for _, n := range names {
			if rest, ok := strings.CutPrefix(n, target); ok && !slices.Contains(names, link+rest) {
				names = append(names, link+rest)
			}
		}
	}
	return names
}

// arch is one that programs of this machine may use.
type arch struct {
	number uint32
	suffix string
	calls  map[string]int
}

// architectures lists the machine's own and the one it runs programs of beside.
func architectures() []arch {
	var archs []arch
	switch runtime.GOARCH {
	case "amd64":
		archs = []arch{{number: 0xc000003e}, {number: 0x40000003, suffix: " (32-bit)"}}
	case "arm64":
		archs = []arch{{number: 0xc00000b7}, {number: 0x40000028, suffix: " (32-bit)"}}
	}
	const most = 600
	for i := range archs {
		archs[i].calls = make(map[string]int, most)
		for n := range most {
			if name := syscallname.Name(archs[i].number, n); name != "" {
				archs[i].calls[name] = n
			}
		}
	}
	return archs
}

// Judge says what the rules on disk and those in the kernel record.
func Judge(h Host, disk, loaded Rules) Facts {
	archs := architectures()
	onDisk, inKernel := auditrule.NewSet(disk.Rules), auditrule.NewSet(loaded.Rules)
	f := Facts{Themes: map[string]Theme{}, Off: off(disk, loaded)}
	for _, w := range wants(h.SudoLog) {
		t := Theme{Absent: w.absent}
		events := w.events(h, archs)
		if t.Applies = len(events) > 0; !t.Applies && t.Absent == "" {
			t.Absent = "the host has nothing of it"
		}
		var used []int
		t.DiskGaps, used = gaps(disk, onDisk, events)
		t.LoadedGaps, _ = gaps(loaded, inKernel, events)
		for _, i := range used {
			t.Rules = append(t.Rules, disk.Lines[i])
		}
		t.Text = say(t)
		f.Themes[w.name] = t
	}
	var known []*auditrule.Set
	if disk.Known {
		known = append(known, onDisk)
	}
	if loaded.Known {
		known = append(known, inKernel)
	}
	f.Exec = execs(h, archs, known, slices.Concat(disk.Rules, loaded.Rules))
	return f
}

// gaps names the events that are not recorded, each once, and the rules that had a
// say.
func gaps(r Rules, set *auditrule.Set, events []event) (names []string, used []int) {
	if !r.Known {
		return nil, nil
	}
	for _, e := range events {
		verdict, i := set.Judge(e.Event)
		if i >= 0 && !slices.Contains(used, i) {
			used = append(used, i)
		}
		if verdict != auditrule.Recorded && !slices.Contains(names, e.name) {
			names = append(names, e.name)
		}
	}
	slices.Sort(used)
	return names, used
}

// say writes a theme's gaps for people.
func say(t Theme) string {
	const most = 6
	list := func(where string, gaps []string) string {
		if len(gaps) > most {
			return fmt.Sprintf("%s: %s and %d more", where, strings.Join(gaps[:most], ", "), len(gaps)-most)
		}
		return where + ": " + strings.Join(gaps, ", ")
	}
	switch {
	case len(t.DiskGaps) == 0 && len(t.LoadedGaps) == 0:
		return "recorded"
	case slices.Equal(t.DiskGaps, t.LoadedGaps):
		return list("not recorded", t.DiskGaps)
	case len(t.LoadedGaps) == 0:
		return list("not recorded by the rules on disk", t.DiskGaps)
	case len(t.DiskGaps) == 0:
		return list("not recorded by the rules that are loaded", t.LoadedGaps)
	}
	return list("not recorded by the rules on disk", t.DiskGaps) + "; " + list("by those that are loaded", t.LoadedGaps)
}

// off lists the rules that switch recording off, those on disk with their place.
func off(disk, loaded Rules) []Line {
	var lines []Line
	for i, r := range disk.Rules {
		if r.SwitchesOff() {
			lines = append(lines, disk.Lines[i])
		}
	}
	for _, r := range loaded.Rules {
		if r.SwitchesOff() && !slices.ContainsFunc(lines, func(l Line) bool { return same(l.Text, r) }) {
			lines = append(lines, Line{Text: r.Text})
		}
	}
	return lines
}

// same reports whether a line is the rule.
func same(text string, r auditrule.Rule) bool {
	d, err := auditrule.Parse(text)
	return err == nil && d.ID() == r.ID()
}

// execs says which starts of programs are recorded by all sets: of each program and
// directory that a rule names, and of one that none names.
func execs(h Host, archs []arch, sets []*auditrule.Set, rules []auditrule.Rule) Exec {
	recorded := func(name string) bool {
		for _, set := range sets {
			for _, a := range archs {
				if v, _ := set.Judge(start(h, a, name).Event); v != auditrule.Recorded {
					return false
				}
			}
		}
		return len(sets) > 0 && len(archs) > 0
	}
	x := Exec{All: recorded("/usr/bin/a-program-that-no-rule-names")}
	asked := map[auditrule.Place]bool{}
	for _, r := range rules {
		for _, place := range r.Places() {
			place.Name = strings.TrimRight(place.Name, "/")
			switch {
			case asked[place]:
			case place.Dir && recorded(place.Name+"/new-file"):
				x.Dirs = append(x.Dirs, place.Name+"/")
			case !place.Dir && recorded(place.Name):
				x.Paths = append(x.Paths, h.Names(place.Name)...)
			}
			asked[place] = true
		}
	}
	return x
}
