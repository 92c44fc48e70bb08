package system

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"seawall/agent/facts/fact"
	"seawall/pkg/dpkg"
	"seawall/pkg/finding"
	"seawall/pkg/hostfs"
	"seawall/pkg/pkgver"
	"seawall/pkg/rpmdb"
	"seawall/pkg/text"
)

// Files that speak of a reboot.
const (
	flagFile      = "/run/reboot-required"
	flagPackages  = "/run/reboot-required.pkgs"
	procRelease   = "/proc/sys/kernel/osrelease"
	procVersion   = "/proc/sys/kernel/version"
	procSignature = "/proc/version_signature"
)

const maxPackages = 100 // named as having asked for a reboot: one is enough

func rebootDepends() []string {
	return append([]string{flagFile, flagPackages, dpkg.StatusFile}, rpmdb.Files(hostfs.Root{})...)
}

// readReboot compares the running kernel with the installed ones. live says that
// the root is the running system.
func readReboot(root hostfs.Root, live bool) Reboot {
	r := Reboot{Packages: []string{}, Evidence: []finding.Evidence{}}
	if !live {
		r.Required.Reason = "an image is not running"
		return r
	}
	r.flag(root)
	r.kernels(root)
	return r
}

// flag reads the files by which packages ask for a reboot.
func (r *Reboot) flag(root hostfs.Root) {
	b, err := root.ReadFile(flagFile, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	said := strings.TrimSpace(string(b))
	if err != nil {
		said = err.Error() // it is there, and that is what counts
	}
	r.Applicable = true
	r.Required = fact.Tri{Known: true, Yes: true, Reason: flagFile + " is there"}
	r.Evidence = append(r.Evidence, finding.Evidence{File: flagFile, Line: 1, Text: text.Clean(said, maxWord)})
	names, err := root.ReadFile(flagPackages, 0)
	if err != nil {
		return
	}
	for line := range strings.Lines(string(names)) {
		name := text.Clean(strings.TrimSpace(line), maxWord)
		if name != "" && !slices.Contains(r.Packages, name) && len(r.Packages) < maxPackages {
			r.Packages = append(r.Packages, name)
		}
	}
}

// kernels compares builds. What the flag said stands.
func (r *Reboot) kernels(root hostfs.Root) {
	undecided := func(applicable bool, reason string) {
		r.Applicable = r.Applicable || applicable
		if !r.Required.Known {
			r.Required.Reason = reason
		}
	}
	running, evidence, err := runningKernel(root)
	if err != nil {
		undecided(true, text.Clean(err.Error(), text.Limit))
		return
	}
	r.Running = text.Clean(running.String(), maxWord)
	if contained(root) {
		undecided(false, "a container runs its host's kernel")
		return
	}
	packages, err := packages(root)
	if errors.Is(err, fs.ErrNotExist) {
		r.rpmKernels(root, running, evidence, undecided)
		return
	}
	if err != nil {
		undecided(true, text.Clean("the installed kernels are not known: "+err.Error(), text.Limit))
		return
	}
	r.debKernels(images(packages), running, evidence, undecided)
}

// debKernels compares the running kernel with those that dpkg has installed.
func (r *Reboot) debKernels(installed []kernel, running kernel, evidence finding.Evidence, undecided func(bool, string)) {
	if len(installed) == 0 {
		undecided(false, "no kernel package is installed: the kernel comes from outside")
		return
	}
	latest, ok := newest(installed, flavour(running.release))
	if ok {
		r.Newest = text.Clean(latest.String(), maxWord)
	}
	if running.version == "" {
		// The kernel does not say; its package, if it is still there, is what runs or
		// a later build of it.
		i := slices.IndexFunc(installed, func(k kernel) bool { return k.release == running.release })
		if i < 0 || !ok {
			undecided(true, text.Clean("the running kernel "+running.release+" is none of the installed packages", text.Limit))
			return
		}
		running.version = installed[i].version
	}
	if !ok {
		undecided(true, text.Clean("no installed kernel is of the running one's flavour, "+flavour(running.release), text.Limit))
		return
	}
	r.Applicable = true
	r.compare(running, latest, evidence)
}

func (r *Reboot) compare(running, latest kernel, evidence finding.Evidence) {
	behind := pkgver.Deb(latest.version, running.version) > 0
	if behind || !r.Required.Known {
		r.Evidence = append(r.Evidence, evidence, finding.Evidence{
			File: dpkg.StatusFile, Text: text.Clean("linux-image-"+latest.release+" "+latest.version, maxWord)})
	}
	switch {
	case behind:
		r.Required = fact.Tri{Known: true, Yes: true, Reason: text.Clean(fmt.Sprintf("kernel %s runs, %s is installed", running, latest), text.Limit)}
	case !r.Required.Known:
		r.Required = fact.Tri{Known: true, Reason: text.Clean("the newest installed kernel of its flavour runs", text.Limit)}
	}
}

// runningKernel asks the kernel for its name and, where it tells, its version.
func runningKernel(root hostfs.Root) (kernel, finding.Evidence, error) {
	release, err := root.ReadFile(procRelease, 0)
	if err != nil {
		return kernel{}, finding.Evidence{}, fmt.Errorf("read the running kernel's release: %w", err)
	}
	k := kernel{release: strings.TrimSpace(string(release))}
	evidence := finding.Evidence{File: procRelease, Line: 1, Text: text.Clean(k.release, maxWord)}
	version, errVersion := root.ReadFile(procVersion, 0)
	signature, errSignature := root.ReadFile(procSignature, 0)
	if errVersion != nil && errSignature != nil {
		return k, evidence, nil
	}
	k.version = buildVersion(k.release, strings.TrimSpace(string(version)), string(signature))
	switch {
	case k.version == "":
	case errSignature == nil:
		evidence = finding.Evidence{File: procSignature, Line: 1, Text: text.Clean(strings.TrimSpace(string(signature)), maxWord)}
	default:
		evidence = finding.Evidence{File: procVersion, Line: 1, Text: text.Clean(strings.TrimSpace(string(version)), maxWord)}
	}
	return k, evidence, nil
}

// contained reports whether the host is a container, by the marks that systemd,
// Podman and Docker leave in it. Docker's also stays behind in the images of
// machines that were made from a container, which boot with an init of their own.
func contained(root hostfs.Root) bool {
	return root.Exists("/run/systemd/container") || root.Exists("/run/.containerenv") ||
		root.Exists("/.dockerenv") && !root.Exists("/run/systemd/system")
}

func packages(root hostfs.Root) ([]dpkg.Package, error) {
	f, _, err := root.OpenFile(dpkg.StatusFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return dpkg.Read(f)
}
