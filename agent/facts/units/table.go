package units

// topic is a service by what it does, whatever brings it.
type topic struct {
	name     string
	packages []string // of Debian and of the RHEL family
	units    []string
	inetd    []string // names in inetd.conf and xinetd.d
	alone    bool     // it counts where it is installed: a client, or no daemon of its own
}

// topics are all that is looked for.
func topics() []topic {
	return append(servers(), clients()...)
}

func servers() []topic {
	return []topic{
		{name: "autofs", packages: []string{"autofs"}, units: []string{"autofs.service"}},
		{name: "avahi", packages: []string{"avahi-daemon", "avahi"}, units: []string{"avahi-daemon.service", "avahi-daemon.socket"}},
		{name: "bluetooth", packages: []string{"bluez"}, units: []string{"bluetooth.service"}},
		{name: "dhcp", packages: []string{"isc-dhcp-server", "kea-dhcp4-server", "kea-dhcp6-server", "udhcpd", "dhcp-server", "kea"},
			units: []string{"isc-dhcp-server.service", "isc-dhcp-server6.service", "kea-dhcp4-server.service", "kea-dhcp6-server.service",
				"udhcpd.service", "dhcpd.service", "dhcpd6.service", "kea-dhcp4.service", "kea-dhcp6.service"}},
		{name: "dns", packages: []string{"bind9", "bind", "unbound", "pdns-server", "pdns-recursor", "pdns", "knot", "knot-resolver", "nsd"},
			units: []string{"named.service", "named-chroot.service", "unbound.service", "pdns.service", "pdns-recursor.service",
				"knot.service", "kresd@1.service", "nsd.service"}},
		{name: "dnsmasq", packages: []string{"dnsmasq"}, units: []string{"dnsmasq.service"}},
		{name: "error-reporting", packages: []string{"apport", "whoopsie", "abrt"},
			units: []string{"apport.service", "apport-forward.socket", "whoopsie.service", "whoopsie.path", "abrtd.service"}},
		{name: "finger", packages: []string{"fingerd", "finger-server"}, units: []string{"finger.socket"}, inetd: []string{"finger"}},
		{name: "ftp", packages: []string{"vsftpd", "proftpd-core", "proftpd-basic", "proftpd", "pure-ftpd", "ftpd-ssl", "inetutils-ftpd", "tnftpd"},
			units: []string{"vsftpd.service", "proftpd.service", "pure-ftpd.service"}, inetd: []string{"ftp"}},
		{name: "inetd", packages: []string{"xinetd", "openbsd-inetd", "inetutils-inetd", "rlinetd"},
			units: []string{"xinetd.service", "inetd.service", "openbsd-inetd.service", "inetutils-inetd.service", "rlinetd.service"}},
		{name: "inetd-small", inetd: []string{"echo", "chargen", "daytime", "time", "discard",
			"echo-stream", "echo-dgram", "chargen-stream", "chargen-dgram", "daytime-stream", "daytime-dgram",
			"time-stream", "time-dgram", "discard-stream", "discard-dgram"}},
		{name: "ldap", packages: []string{"slapd", "openldap-servers", "389-ds-base"}, units: []string{"slapd.service", "slapd-sha2.service"}},
		{name: "mail-access", packages: []string{"dovecot-imapd", "dovecot-pop3d", "dovecot", "cyrus-imapd", "courier-imap", "courier-pop"},
			units: []string{"dovecot.service", "dovecot.socket", "cyrus-imapd.service", "courier-imap.service", "courier-imap-ssl.service",
				"courier-pop.service", "courier-pop-ssl.service"}, inetd: []string{"imap", "imaps", "pop3", "pop3s"}},
		{name: "nfs", packages: []string{"nfs-kernel-server", "nfs-utils"}, units: []string{"nfs-server.service", "nfs-kernel-server.service"}},
		{name: "nis", packages: []string{"ypserv", "nis"}, units: []string{"ypserv.service", "yppasswdd.service", "ypxfrd.service"}},
		{name: "print", packages: []string{"cups-daemon", "cups", "cups-browsed"},
			units: []string{"cups.service", "cups.socket", "cups.path", "cups-browsed.service"}, inetd: []string{"printer"}},
		{name: "remote-desktop", packages: []string{"xrdp", "tigervnc-standalone-server", "tightvncserver", "x11vnc", "tigervnc-server"},
			units: []string{"xrdp.service", "xrdp-sesman.service", "vncserver@:1.service", "x11vnc.service", "xvnc.socket"}},
		{name: "rpcbind", packages: []string{"rpcbind"}, units: []string{"rpcbind.service", "rpcbind.socket"}},
		{name: "rsh", packages: []string{"rsh-server", "rsh-redone-server", "inetutils-rshd"},
			units: []string{"rsh.socket", "rlogin.socket", "rexec.socket"}, inetd: []string{"shell", "login", "exec", "rsh", "rlogin", "rexec"}},
		{name: "rsync", packages: []string{"rsync", "rsync-daemon"}, units: []string{"rsync.service", "rsyncd.service", "rsyncd.socket"},
			inetd: []string{"rsync"}},
		{name: "samba", packages: []string{"samba", "samba-ad-dc"},
			units: []string{"smbd.service", "nmbd.service", "samba-ad-dc.service", "smb.service", "nmb.service", "samba.service"}},
		{name: "snmp", packages: []string{"snmpd", "net-snmp"}, units: []string{"snmpd.service", "snmptrapd.service"}},
		{name: "talk", packages: []string{"talkd", "inetutils-talkd", "talk-server"}, units: []string{"ntalk.socket", "talk.socket"},
			inetd: []string{"talk", "ntalk"}},
		{name: "telnet", packages: []string{"telnetd", "telnetd-ssl", "inetutils-telnetd", "telnet-server"}, units: []string{"telnet.socket"},
			inetd: []string{"telnet", "telnets"}},
		{name: "tftp", packages: []string{"tftpd-hpa", "atftpd", "tftpd", "tftp-server"},
			units: []string{"tftpd-hpa.service", "atftpd.service", "tftp.socket", "tftp.service"}, inetd: []string{"tftp"}},
		{name: "web", packages: []string{"apache2", "httpd", "nginx", "lighttpd", "caddy"},
			units: []string{"apache2.service", "httpd.service", "httpd.socket", "nginx.service", "lighttpd.service", "caddy.service"}},
		{name: "web-proxy", packages: []string{"squid", "squid-openssl", "tinyproxy", "privoxy", "dante-server", "3proxy"},
			units: []string{"squid.service", "tinyproxy.service", "privoxy.service", "danted.service", "sockd.service", "3proxy.service"}},
	}
}

func clients() []topic {
	return []topic{
		{name: "ftp-client", alone: true, packages: []string{"ftp", "tnftp", "inetutils-ftp", "lftp"}},
		{name: "ldap-client", alone: true, packages: []string{"ldap-utils", "openldap-clients"}},
		{name: "nis-client", alone: true, packages: []string{"yp-tools", "ypbind", "ypbind-mt", "nis"}},
		{name: "rsh-client", alone: true, packages: []string{"rsh-client", "rsh-redone-client", "rsh"}},
		{name: "talk-client", alone: true, packages: []string{"talk", "inetutils-talk"}},
		{name: "telnet-client", alone: true, packages: []string{"telnet", "inetutils-telnet", "telnet-ssl"}},
		{name: "tftp-client", alone: true, packages: []string{"tftp", "tftp-hpa", "atftp"}},
		{name: "x11", alone: true, packages: []string{"xserver-common", "xserver-xorg-core", "xorg-x11-server-common", "xorg-x11-server-Xorg"}},
	}
}
