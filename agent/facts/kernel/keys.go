package kernel

import "slices"

// start says what the kernel gives a setting at boot.
type start struct {
	value string
	// config is the option of the kernel's configuration that decides: with yes and
	// no what it means to be set and not to be, with neither its own value.
	config, yes, no string
	// distro holds what a distribution's patch makes of it, by os-release's ID.
	distro map[string]string
}

// constant lists the settings that start as a constant of the kernel's source.
func constant() map[string]start {
	m := map[string]start{
		"fs.suid_dumpable": {value: "0"}, "fs.protected_fifos": {value: "0"}, "fs.protected_regular": {value: "0"},
		"kernel.core_pattern": {value: "core"}, "kernel.kexec_load_disabled": {value: "0"}, "kernel.io_uring_disabled": {value: "0"},
		"kernel.modules_disabled": {value: "0"}, "kernel.kptr_restrict": {value: "0"}, "vm.unprivileged_userfaultfd": {value: "0"},
		"net.core.bpf_jit_harden": {value: "0"}, "kernel.unprivileged_userns_clone": {value: "1"},
		"net.ipv4.icmp_echo_ignore_all": {value: "0"}, "net.ipv4.icmp_echo_ignore_broadcasts": {value: "1"},
		"net.ipv4.icmp_ignore_bogus_error_responses": {value: "1"}, "net.ipv4.ip_forward": {value: "0"}, "net.ipv4.tcp_rfc1337": {value: "0"},
		"net.ipv4.tcp_syncookies": {value: "1"}, "net.ipv4.tcp_timestamps": {value: "1"},
	}
	for _, c := range []string{"all", "default"} {
		for k, v := range map[string]string{"accept_local": "0", "accept_redirects": "1", "arp_announce": "0", "arp_filter": "0", "arp_ignore": "0",
			"bootp_relay": "0", "forwarding": "0", "log_martians": "0", "mc_forwarding": "0", "proxy_arp": "0", "route_localnet": "0",
			"rp_filter": "0", "secure_redirects": "1", "send_redirects": "1", "shared_media": "1"} {
			m["net.ipv4.conf."+c+"."+k] = start{value: v}
		}
		for k, v := range map[string]string{"accept_ra": "1", "accept_ra_defrtr": "1", "accept_ra_pinfo": "1", "accept_redirects": "1",
			"accept_source_route": "0", "autoconf": "1", "disable_ipv6": "0", "dad_transmits": "1", "forwarding": "0", "max_addresses": "16",
			"proxy_ndp": "0", "router_solicitations": "-1"} {
			m["net.ipv6.conf."+c+"."+k] = start{value: v}
		}
	}
	m["net.ipv4.conf.all.accept_source_route"] = start{value: "0"}
	m["net.ipv4.conf.default.accept_source_route"] = start{value: "1"}
	return m
}

// built lists the settings that start as the kernel's build or its distribution
// has it.
func built() map[string]start {
	return map[string]start{
		"kernel.randomize_va_space":        {config: "CONFIG_COMPAT_BRK", yes: "1", no: "2"},
		"kernel.dmesg_restrict":            {config: "CONFIG_SECURITY_DMESG_RESTRICT", yes: "1", no: "0"},
		"kernel.unprivileged_bpf_disabled": {config: "CONFIG_BPF_UNPRIV_DEFAULT_OFF", yes: "2", no: "0"},
		"kernel.sysrq":                     {config: "CONFIG_MAGIC_SYSRQ_DEFAULT_ENABLE"},
		"kernel.panic":                     {config: "CONFIG_PANIC_TIMEOUT"},
		"kernel.panic_on_oops":             {config: "CONFIG_PANIC_ON_OOPS", yes: "1", no: "0"},
		"dev.tty.ldisc_autoload":           {config: "CONFIG_LDISC_AUTOLOAD", yes: "1", no: "0"},
		"dev.tty.legacy_tiocsti":           {config: "CONFIG_LEGACY_TIOCSTI", yes: "1", no: "0"},
		"vm.mmap_min_addr":                 {config: "CONFIG_DEFAULT_MMAP_MIN_ADDR"},
		"kernel.yama.ptrace_scope": {distro: map[string]string{"debian": "0", "ubuntu": "1", "fedora": "1", "rhel": "1", "centos": "1",
			"almalinux": "1", "rocky": "1", "ol": "1"}},
		"kernel.perf_event_paranoid": {distro: map[string]string{"debian": "3", "ubuntu": "4", "fedora": "2", "rhel": "2", "centos": "2",
			"almalinux": "2", "rocky": "2", "ol": "2"}},
		"fs.protected_hardlinks": {distro: map[string]string{"debian": "1", "ubuntu": "0", "fedora": "0", "rhel": "0"}},
		"fs.protected_symlinks":  {distro: map[string]string{"debian": "1", "ubuntu": "0", "fedora": "0", "rhel": "0"}},
	}
}

// Keys names every setting of /proc/sys that is read, as sysctl(8) writes them,
// sorted.
func Keys() []string {
	keys := []string{
		"kernel.apparmor_restrict_unprivileged_userns", "net.core.bpf_jit_enable", "net.ipv4.icmp_ratelimit",
		"user.max_user_namespaces",
	}
	for _, m := range []map[string]start{constant(), built()} {
		for k := range m {
			keys = append(keys, k)
		}
	}
	for _, c := range []string{"all", "default"} {
		for _, k := range []string{"use_tempaddr", "accept_ra_rtr_pref"} {
			keys = append(keys, "net.ipv6.conf."+c+"."+k)
		}
	}
	slices.Sort(keys)
	return keys
}

// worded reports whether a setting is no number.
func worded(key string) bool { return key == "kernel.core_pattern" }

// twin is the other name of one and the same setting, "" where it has none.
func twin(key string) string {
	switch key {
	case "net.ipv4.ip_forward":
		return "net.ipv4.conf.all.forwarding"
	case "net.ipv4.conf.all.forwarding":
		return "net.ipv4.ip_forward"
	}
	return ""
}

// modules lists the modules that are looked at, as people write them.
func modules() []string {
	return []string{
		"cramfs", "freevxfs", "hfs", "hfsplus", "jffs2", "squashfs", "udf", "overlay", "usb-storage", "uas",
		"firewire-core", "firewire-ohci", "firewire-sbp2", "thunderbolt", "bluetooth", "cfg80211", "mac80211", "floppy",
		"dccp", "sctp", "rds", "tipc", "can", "atm", "appletalk", "ax25", "netrom", "rose", "x25", "llc2",
	}
}
