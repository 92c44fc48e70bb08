package kernel

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
	"seawall/pkg/text"
)

const (
	vulnerabilities    = "/sys/devices/system/cpu/vulnerabilities"
	maxVulnerabilities = 128 // of which the kernel knows some twenty
)

func readCPU(f *Facts, env fact.Env) {
	f.CPU.Vulnerabilities = []Vulnerability{}
	if !env.Live() {
		f.CPU.Reason = "the kernel of an image does not run"
		return
	}
	f.Virtual = virtual(env.Root)
	names, err := env.Root.ReadDir(vulnerabilities)
	if err != nil {
		f.CPU.Reason = err.Error()
		return
	}
	for _, n := range names {
		file := path.Join(vulnerabilities, n)
		b, err := env.Root.ReadFile(file, 4096)
		if err != nil {
			f.CPU.Reason = err.Error()
			return
		}
		f.CPU.Vulnerabilities = append(f.CPU.Vulnerabilities, vulnerability(n, file, string(b), f.Virtual.Yes))
		if len(f.CPU.Vulnerabilities) == maxVulnerabilities {
			break
		}
	}
	f.CPU.Known = true
}

// vulnerability reads what the kernel says of one, in the words of
// arch/x86/kernel/cpu/bugs.c: "Not affected", "Mitigation: …", "Vulnerable",
// "Vulnerable: Clear CPU buffers attempted, no microcode", "Unknown: Dependent on
// hypervisor status", and "KVM: Mitigation: …" of what only a host of guests needs.
func vulnerability(name, file, state string, guest bool) Vulnerability {
	v := Vulnerability{Name: text.Clean(name, maxValue), State: text.Clean(strings.TrimSpace(state), maxValue), File: file}
	said := strings.ToLower(v.State)
	said = strings.TrimPrefix(strings.TrimPrefix(said, "processor vulnerable"), "kvm: ")
	v.Vulnerable = strings.HasPrefix(said, "vulnerable")
	switch {
	case strings.HasPrefix(said, "unknown"):
		v.Elsewhere = "the kernel cannot tell: " + v.State
	case guest && v.Vulnerable && strings.Contains(said, "microcode"):
		v.Elsewhere = "the microcode is the provider's to update: " + v.State
	case guest && name == "old_microcode":
		v.Elsewhere = "the microcode of a virtual machine is the provider's"
	}
	return v
}

// virtual says whether a hypervisor runs this kernel, as the first CPU's flags do,
// or the machine's maker where the CPU has no such flag.
func virtual(root hostfs.Root) fact.Tri {
	file, _, err := root.OpenFile("/proc/cpuinfo")
	if err != nil {
		return fact.Tri{Reason: err.Error()}
	}
	defer file.Close()
	// The first CPU is enough: each one takes the kernel time.
	b := make([]byte, 4096)
	n, err := io.ReadFull(file, b)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fact.Tri{Reason: err.Error()}
	}
	for line := range bytes.Lines(b[:n]) {
		if bytes.HasPrefix(line, []byte("flags")) {
			yes := bytes.Contains(line, []byte(" hypervisor"))
			return fact.Tri{Known: true, Yes: yes, Reason: "the flags of /proc/cpuinfo"}
		}
	}
	maker, err := root.ReadFile("/sys/class/dmi/id/sys_vendor", 4096)
	if errors.Is(err, fs.ErrNotExist) {
		return fact.Tri{Reason: "neither /proc/cpuinfo nor DMI says it"}
	}
	for _, m := range []string{"QEMU", "DigitalOcean", "Amazon EC2", "Google", "Hetzner", "VMware", "Xen", "Microsoft", "KVM", "OpenStack"} {
		if strings.Contains(string(maker), m) {
			return fact.Tri{Known: true, Yes: true, Reason: "made by " + text.Clean(strings.TrimSpace(string(maker)), maxValue)}
		}
	}
	return fact.Tri{Reason: "the machine's maker is not a known hypervisor"}
}
