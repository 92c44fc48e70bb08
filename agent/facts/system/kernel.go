package system

import (
	"strings"

	"seawall/pkg/dpkg"
	"seawall/pkg/pkgver"
)

// kernel is one build of a kernel: the name it gives itself (uname -r) and the
// version of the package it comes from.
type kernel struct {
	release string
	version string // "" where not known
}

func (k kernel) String() string {
	if k.version == "" {
		return k.release
	}
	return k.release + " (" + k.version + ")"
}

// flavour is the part of a release that tells builds for different machines
// apart: "amd64" of 6.1.0-37-amd64 and of 6.12.90+deb13.1-amd64, "cloud-amd64",
// "generic", "686-pae".
func flavour(release string) string {
	upstream, rest, ok := strings.Cut(release, "-")
	if !ok {
		return ""
	}
	abi, after, more := strings.Cut(rest, "-")
	if more && !strings.Contains(upstream, "+") && abi != "" && abi[0] >= '0' && abi[0] <= '9' {
		return after
	}
	return rest
}

// image returns the kernel that a package installs. Meta packages (linux-image-
// amd64, linux-image-generic) have no release in their name and are none.
func image(p *dpkg.Package) (kernel, bool) {
	rel, ok := strings.CutPrefix(p.Name, "linux-image-")
	if !ok {
		return kernel{}, false
	}
	rel = strings.TrimPrefix(rel, "unsigned-")
	if rel == "" || rel[0] < '0' || rel[0] > '9' || strings.HasSuffix(rel, "-dbg") || strings.HasSuffix(rel, "-dbgsym") {
		return kernel{}, false
	}
	switch p.State {
	case "installed", "triggers-awaited", "triggers-pending":
		return kernel{rel, p.Version}, true
	}
	return kernel{}, false
}

// images are the installed kernels.
func images(packages []dpkg.Package) []kernel {
	var all []kernel
	for i := range packages {
		if k, ok := image(&packages[i]); ok {
			all = append(all, k)
		}
	}
	return all
}

// newest is the newest installed build of a flavour.
func newest(all []kernel, flav string) (kernel, bool) {
	var best kernel
	for _, k := range all {
		if flavour(k.release) == flav && (best.version == "" || pkgver.Deb(k.version, best.version) > 0) {
			best = k
		}
	}
	return best, best.version != ""
}

// buildVersion is the package version that the running kernel was built from, as
// it says itself: in uname -v on Debian ("#1 SMP … Debian 6.1.140-1 (2025-05-22)"),
// in /proc/version_signature on Ubuntu ("Ubuntu 6.8.0-88.89-generic 6.8.12").
func buildVersion(release, unameV, signature string) string {
	if _, rest, ok := strings.Cut(unameV, " Debian "); ok {
		version, _, _ := strings.Cut(rest, " ")
		return version
	}
	if f := strings.Fields(signature); len(f) >= 2 && f[0] == "Ubuntu" {
		if version, ok := strings.CutSuffix(f[1], "-"+flavour(release)); ok {
			return version
		}
	}
	return ""
}
