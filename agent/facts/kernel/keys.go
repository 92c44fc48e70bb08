package kernel

// Keys names every setting of /proc/sys that is read, as sysctl(8) writes them.
func Keys() []string {
	keys := []string{
		"fs.protected_fifos", "fs.protected_hardlinks", "fs.protected_regular", "fs.protected_symlinks", "fs.suid_dumpable",
		"fs.binfmt_misc.status", "dev.tty.ldisc_autoload", "dev.tty.legacy_tiocsti",
		"kernel.core_pattern", "kernel.core_uses_pid", "kernel.ctrl-alt-del", "kernel.dmesg_restrict", "kernel.io_uring_disabled",
		"kernel.kexec_load_disabled", "kernel.kptr_restrict", "kernel.modules_disabled", "kernel.oops_limit", "kernel.panic",
		"kernel.panic_on_oops", "kernel.perf_event_paranoid", "kernel.pid_max", "kernel.printk", "kernel.randomize_va_space",
		"kernel.sysrq", "kernel.unprivileged_bpf_disabled", "kernel.unprivileged_userns_clone", "kernel.warn_limit",
		"kernel.yama.ptrace_scope", "kernel.apparmor_restrict_unprivileged_userns", "user.max_user_namespaces",
		"vm.mmap_min_addr", "vm.mmap_rnd_bits", "vm.mmap_rnd_compat_bits", "vm.unprivileged_userfaultfd",
		"net.core.bpf_jit_enable", "net.core.bpf_jit_harden",
		"net.ipv4.icmp_echo_ignore_all", "net.ipv4.icmp_echo_ignore_broadcasts", "net.ipv4.icmp_ignore_bogus_error_responses",
		"net.ipv4.icmp_ratelimit", "net.ipv4.ip_forward", "net.ipv4.tcp_rfc1337", "net.ipv4.tcp_syncookies",
		"net.ipv4.tcp_timestamps", "net.ipv4.tcp_sack",
	}
	for _, c := range []string{"all", "default"} {
		for _, k := range []string{"accept_local", "accept_redirects", "accept_source_route", "arp_filter", "arp_ignore", "arp_announce",
			"bootp_relay", "drop_gratuitous_arp", "forwarding", "log_martians", "mc_forwarding", "proxy_arp", "route_localnet", "rp_filter",
			"secure_redirects", "send_redirects", "shared_media"} {
			keys = append(keys, "net.ipv4.conf."+c+"."+k)
		}
		for _, k := range []string{"accept_ra", "accept_ra_defrtr", "accept_ra_pinfo", "accept_ra_rtr_pref", "accept_redirects",
			"accept_source_route", "autoconf", "disable_ipv6", "dad_transmits", "forwarding", "max_addresses", "proxy_ndp",
			"router_solicitations", "use_tempaddr"} {
			keys = append(keys, "net.ipv6.conf."+c+"."+k)
		}
	}
	return keys
}

// names lists the modules that are looked at, as people write them.
func names() []string {
	return []string{
		"cramfs", "freevxfs", "hfs", "hfsplus", "jffs2", "squashfs", "udf", "overlay", "usb-storage", "uas",
		"firewire-core", "firewire-ohci", "firewire-sbp2", "thunderbolt", "bluetooth", "btusb", "cfg80211", "mac80211", "floppy",
		"dccp", "sctp", "rds", "tipc", "can", "atm", "appletalk", "ax25", "netrom", "rose", "x25", "decnet", "econet", "ipx", "llc2",
		"p8022", "p8023", "psnap", "af_802154", "ksmbd", "nfsd", "cifs", "gfs2", "vivid", "n-hdlc",
	}
}
