// Package system reads what a host's operating system is, how long its vendor
// supports it, and whether it waits for a reboot.
//
// Life comes from package distro: a dated table, the release's own SUPPORT_END,
// and distro-info where it is installed. A release in none of them is unknown. The
// extended support of Ubuntu counts where its client says that esm-infra is enabled
// and the subscription lasts.
//
// A reboot is required when the host says so (/run/reboot-required), or when a
// newer build of the running kernel's flavour is installed than the one that
// runs. Builds are compared by package version: on Debian the kernel prints its
// own (uname -v), on Ubuntu /proc/version_signature does, so an update that keeps
// the kernel's name is seen. Meta packages, other flavours and kernels that are
// only configured are not counted. Where rpm keeps the packages the release itself
// is the package's version, and the flavour is in the package's name (kernel-core,
// kernel-rt-core, kernel-64k-core, kernel-uek, kernel-lt of ELRepo); a build that
// was installed since boot and whose advisory suggests a reboot counts, too. A host without any kernel package (a
// container, a machine booted with a kernel from outside) has Applicable false
// unless the flag file is there.
package system
