package mac

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"

	"seawall/agent/facts/fact"
	"seawall/pkg/apparmor"
	"seawall/pkg/hostfs"
	"seawall/pkg/shellconf"
	"seawall/pkg/text"
)

const (
	selinuxConfig = "/etc/selinux/config"
	maxProcesses  = 20000 // programs that run
	maxUnconfined = 256   // that are shown: one is enough
	maxValue      = 512   // bytes of a text that is shown
)

// Read reads what confines programs. container says that the kernel is not the
// host's own.
func Read(env fact.Env, container bool) Facts {
	f := Facts{AppArmor: AppArmor{Profiles: []Profile{}, Unconfined: []Process{}}}
	readConfig(&f.SELinux, env.Root)
	if why := silent(env, container); why != "" {
		no := fact.Tri{Reason: why}
		f.AppArmor.Enabled, f.SELinux.Enabled, f.SELinux.Enforcing, f.Active = no, no, no, no
		f.AppArmor.Reason = why
		return f
	}
	readSELinux(&f.SELinux, env.Root)
	readAppArmor(&f.AppArmor, env.Root)
	f.Active = either(f.AppArmor, f.SELinux)
	return f
}

// Files are those that the facts depend on.
func Files() []string { return []string{selinuxConfig} }

func readConfig(s *SELinux, root hostfs.Root) {
	b, err := root.ReadFile(selinuxConfig, 0)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.Reason = err.Error()
	}
	s.Installed = !errors.Is(err, fs.ErrNotExist)
	s.Mode = fact.Text(shellconf.Last(selinuxConfig, b, "SELINUX"))
	s.Policy = fact.Text(shellconf.Last(selinuxConfig, b, "SELINUXTYPE"))
}

// silent says why the running kernel's access control cannot be asked for.
func silent(env fact.Env, container bool) string {
	switch {
	case !env.Live():
		return "the kernel of an image does not run"
	case container:
		return "it is the business of the container's host"
	}
	return ""
}

// either says whether one of the two decides anything.
func either(a AppArmor, s SELinux) fact.Tri {
	enforced := 0
	for _, p := range a.Profiles {
		if p.Mode != "unconfined" && p.Mode != "complain" {
			enforced++
		}
	}
	switch {
	case s.Enforcing.Yes:
		return fact.Tri{Known: true, Yes: true, Reason: "SELinux enforces its policy"}
	case a.Enabled.Yes && a.ProfilesKnown && enforced > 0:
		return fact.Tri{Known: true, Yes: true, Reason: "AppArmor enforces " + strconv.Itoa(enforced) + " profiles"}
	case a.Enabled.Yes && !a.ProfilesKnown:
		return fact.Tri{Reason: a.Reason}
	case a.Enabled.Yes:
		return fact.Tri{Known: true, Reason: "AppArmor is on and enforces no profile"}
	case s.Enabled.Yes && s.Enforcing.Known:
		return fact.Tri{Known: true, Reason: "SELinux is permissive: it logs what it would refuse"}
	case a.Enabled.Known && s.Enabled.Known:
		return fact.Tri{Known: true, Reason: "neither AppArmor nor SELinux is on"}
	}
	return fact.Tri{Reason: "not known whether AppArmor or SELinux is on"}
}

func readSELinux(s *SELinux, root hostfs.Root) {
	b, err := root.ReadFile("/sys/fs/selinux/enforce", 64)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.Enabled = fact.Tri{Known: true, Reason: "the kernel runs without it"}
		s.Enforcing = s.Enabled
	case err != nil:
		s.Enabled.Reason, s.Enforcing.Reason = err.Error(), err.Error()
	default:
		s.Enabled = fact.Tri{Known: true, Yes: true, Reason: "/sys/fs/selinux is there"}
		s.Enforcing = fact.Tri{Known: true, Yes: strings.TrimSpace(string(b)) == "1", Reason: "/sys/fs/selinux/enforce"}
	}
}

func readAppArmor(a *AppArmor, root hostfs.Root) {
	b, err := root.ReadFile("/sys/module/apparmor/parameters/enabled", 64)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		a.Enabled = fact.Tri{Known: true, Reason: "the kernel is built without it"}
	case err != nil:
		a.Enabled = fromList(root, err)
	default:
		a.Enabled = fact.Tri{Known: true, Yes: strings.TrimSpace(string(b)) == "Y", Reason: "/sys/module/apparmor/parameters/enabled"}
	}
	if !a.Enabled.Yes {
		a.ProfilesKnown, a.UnconfinedKnown = a.Enabled.Known, a.Enabled.Known
		a.Reason = a.Enabled.Reason
		return
	}
	profiles, err := apparmor.Profiles(root)
	if err != nil {
		a.Reason = err.Error()
		return
	}
	a.ProfilesKnown = true
	for _, p := range profiles {
		a.Profiles = append(a.Profiles, Profile{Name: p.Name, Mode: p.Mode})
	}
	readProcesses(a, root, apparmor.Programs(root, profiles))
}

// fromList asks the list of what is on, which everybody may read.
func fromList(root hostfs.Root, err error) fact.Tri {
	b, listErr := root.ReadFile("/sys/kernel/security/lsm", 4096)
	if listErr != nil {
		return fact.Tri{Reason: err.Error()}
	}
	for name := range strings.SplitSeq(strings.TrimSpace(string(b)), ",") {
		if name == "apparmor" {
			return fact.Tri{Known: true, Yes: true, Reason: "/sys/kernel/security/lsm"}
		}
	}
	return fact.Tri{Known: true, Reason: "it is not in /sys/kernel/security/lsm"}
}

// readProcesses finds the processes that run without the profile that there is for
// their program: they were started before it was loaded.
func readProcesses(a *AppArmor, root hostfs.Root, profile func(string) string) {
	names, err := root.ReadDir("/proc")
	if err != nil {
		a.Reason = err.Error()
		return
	}
	seen := map[string]string{}
	for _, n := range names {
		pid, err := strconv.Atoi(n)
		if err != nil {
			continue
		}
		label, err := root.ReadFile("/proc/"+n+"/attr/current", 4096)
		if err != nil || strings.TrimRight(string(label), "\n\x00") != "unconfined" {
			continue // gone, or it has a profile
		}
		program, err := root.Readlink("/proc/" + n + "/exe")
		if errors.Is(err, fs.ErrPermission) {
			a.Reason = "who runs which program is for root to see"
			return
		}
		if err != nil {
			continue // a thread of the kernel, or gone
		}
		if len(seen) == maxProcesses {
			a.Reason = "more programs run than are looked at"
			return
		}
		program = strings.TrimSuffix(program, " (deleted)")
		name, known := seen[program]
		if !known {
			name = profile(program)
			seen[program] = name
		}
		if name != "" && len(a.Unconfined) < maxUnconfined {
			a.Unconfined = append(a.Unconfined, Process{PID: pid, Program: text.Clean(program, maxValue), Profile: name})
		}
	}
	a.UnconfinedKnown = true
}
