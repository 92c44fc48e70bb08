package inventory

import (
	"path"
	"strings"
)

// shipped are the programs that packages of Debian and Ubuntu install with the
// set-user-id bit (u), the set-group-id bit (g) or capabilities (c). Names are
// those with everything in /usr and no directory of an architecture. A name that
// ends in "/" stands for all programs in it.
const shipped = `
u /usr/bin/su /usr/bin/sudo /usr/bin/sudoedit /usr/bin/doas /usr/bin/pkexec /usr/bin/mount /usr/bin/umount
u /usr/bin/passwd /usr/bin/chfn /usr/bin/chsh /usr/bin/gpasswd /usr/bin/newgrp /usr/bin/sg /usr/bin/newuidmap
u /usr/bin/newgidmap /usr/bin/fusermount /usr/bin/fusermount3 /usr/bin/ping /usr/bin/ping6 /usr/bin/traceroute6.iputils
u /usr/bin/arping /usr/bin/fping /usr/bin/fping6 /usr/bin/mtr /usr/bin/mtr-packet /usr/bin/at /usr/bin/procmail
u /usr/bin/bwrap /usr/bin/firejail /usr/bin/ntfs-3g /usr/bin/mount.cifs /usr/bin/vmware-user-suid-wrapper
u /usr/bin/kismet_capture /usr/bin/weston-launch /usr/bin/physlock /usr/bin/slock /usr/bin/suexec /usr/bin/chage
u /usr/bin/dumpcap /usr/bin/cgclassify /usr/bin/cgexec /usr/bin/X /usr/bin/Xorg /usr/bin/xtrlock /usr/bin/lppasswd
u /usr/bin/sudo.ws /usr/bin/sudoedit.ws /usr/bin/sudo-rs /usr/bin/sudoedit-rs /usr/bin/su-rs /usr/bin/singularity
u /usr/sbin/mount.nfs /usr/sbin/mount.cifs /usr/sbin/mount.ecryptfs_private /usr/sbin/mount.davfs /usr/sbin/mount.ntfs-3g
u /usr/sbin/exim4 /usr/sbin/pppd /usr/sbin/pam_timestamp_check /usr/sbin/unix_chkpwd /usr/sbin/userhelper
u /usr/sbin/usernetctl /usr/sbin/mtr-packet /usr/sbin/suexec /usr/sbin/ccreds_chkpwd /usr/sbin/vmware-authd
u /usr/sbin/mount.fuse /usr/sbin/mount.zfs /usr/sbin/uuidd /usr/sbin/sensible-mda
u /usr/lib/openssh/ssh-keysign /usr/lib/dbus-1.0/dbus-daemon-launch-helper /usr/lib/polkit-1/polkit-agent-helper-1
u /usr/lib/policykit-1/polkit-agent-helper-1 /usr/lib/snapd/snap-confine /usr/lib/eject/dmcrypt-get-device
u /usr/lib/xorg/Xorg.wrap /usr/lib/chromium/chrome-sandbox /usr/lib/apache2/suexec-pristine /usr/lib/apache2/suexec-custom
u /usr/lib/spice-gtk/spice-client-glib-usb-acl-helper /usr/lib/lxc/lxc-user-nic /usr/lib/sssd/ /usr/libexec/sssd/
u /usr/lib/squid/basic_pam_auth /usr/lib/squid/basic_ncsa_auth /usr/lib/squid/pinger /usr/lib/nagios/plugins/
u /usr/lib/auth-client-config/ /usr/lib/uucp/uucico /usr/lib/courier/ /usr/lib/mailman/ /usr/lib/cups/backend/
u /usr/lib/qemu/qemu-bridge-helper /usr/lib/xen-common/ /usr/lib/virtualbox/ /usr/lib/netatalk/ /usr/lib/slurm/
u /usr/lib/systemd/systemd-executor /usr/lib/vmware-tools/ /usr/lib/cockpit/cockpit-session /usr/lib/xymon/client/bin/logfetch
u /usr/lib/iputils/ /usr/lib/dovecot/deliver-lda /usr/lib/libvirt/libvirt_leaseshelper /usr/lib/ecryptfs/
u /usr/libexec/cockpit-session /usr/libexec/spice-client-glib-usb-acl-helper /usr/libexec/camel-lock-helper-1.2
u /usr/libexec/polkit-agent-helper-1 /usr/libexec/dbus-1/dbus-daemon-launch-helper /usr/libexec/lxc/lxc-user-nic
u /usr/libexec/qemu-bridge-helper /usr/libexec/openssh/ssh-keysign /usr/libexec/Xorg.wrap /usr/libexec/nfs/
u /usr/share/code/chrome-sandbox /opt/google/chrome/chrome-sandbox /opt/microsoft/msedge/msedge-sandbox
g /usr/bin/at /usr/bin/batch /usr/bin/chage /usr/bin/expiry /usr/bin/crontab /usr/bin/ssh-agent /usr/bin/wall
g /usr/bin/write /usr/bin/write.ul /usr/bin/bsd-write /usr/bin/mlocate /usr/bin/plocate /usr/bin/locate /usr/bin/slocate
g /usr/bin/dotlockfile /usr/bin/mail-lock /usr/bin/mail-unlock /usr/bin/mail-touchlock /usr/bin/lockfile /usr/bin/procmail
g /usr/bin/screen /usr/bin/mutt_dotlock /usr/bin/mutt /usr/bin/lockspool /usr/bin/dumpcap /usr/bin/xterm /usr/bin/bsd-mailx
g /usr/bin/X /usr/bin/Xorg /usr/bin/nullmailer-queue /usr/bin/mailq /usr/bin/newaliases /usr/bin/sperl /usr/bin/urxvt
g /usr/sbin/unix_chkpwd /usr/sbin/pam_extrausers_chkpwd /usr/sbin/postdrop /usr/sbin/postqueue /usr/sbin/sendmail
g /usr/sbin/utempter /usr/sbin/nullmailer-queue /usr/sbin/dma /usr/sbin/sendmail-msp /usr/sbin/netreport /usr/sbin/lockdev
g /usr/lib/utempter/utempter /usr/lib/libutempter/ /usr/lib/sm.bin/mailstats /usr/lib/sm.bin/sendmail /usr/lib/dma/
g /usr/lib/emacs/ /usr/lib/mailman/ /usr/lib/courier/ /usr/lib/news/ /usr/lib/snapd/snap-confine /usr/lib/gnome-games/
g /usr/lib/xorg/Xorg.wrap /usr/lib/qmail/ /usr/lib/evolution/ /usr/lib/camel-lock-helper-1.2 /usr/lib/lxqt/ /usr/games/
g /usr/libexec/camel-lock-helper-1.2 /usr/libexec/utempter/utempter /usr/libexec/emacs/ /usr/libexec/dma/
c /usr/bin/ping /usr/bin/arping /usr/bin/clockdiff /usr/bin/fping /usr/bin/mtr-packet /usr/bin/dumpcap /usr/bin/newuidmap
c /usr/bin/newgidmap /usr/bin/traceroute6.iputils /usr/bin/gnome-keyring-daemon /usr/bin/i3status /usr/bin/systemd-detect-virt
c /usr/bin/gnome-shell /usr/bin/kwin_wayland /usr/bin/sway /usr/bin/rcp /usr/bin/rlogin /usr/bin/rsh /usr/bin/ksystemstats
c /usr/bin/netdata /usr/bin/slurp /usr/sbin/mtr-packet /usr/sbin/suexec /usr/sbin/arping /usr/sbin/clockdiff
c /usr/lib/gstreamer1.0/gstreamer-1.0/gst-ptp-helper /usr/libexec/gstreamer-1.0/gst-ptp-helper /usr/lib/snapd/snap-confine
c /usr/libexec/ksysguard/ksgrd_network_helper /usr/libexec/sssd/ /usr/lib/nagios/plugins/ /usr/libexec/netdata/
`

// shippedAs reports whether a package is known to install the program name with
// the given bits: letters of shipped.
func shippedAs(name, bits string) bool {
	name = usual(name)
	for _, bit := range bits {
		if !listed(name, string(bit)) {
			return false
		}
	}
	return true
}

func listed(name, bit string) bool {
	for line := range strings.Lines(shipped) {
		rest, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), bit+" ")
		if !ok {
			continue
		}
		for entry := range strings.SplitSeq(rest, " ") {
			if entry == name || strings.HasSuffix(entry, "/") && strings.HasPrefix(name, entry) {
				return true
			}
		}
	}
	return false
}

// usual is a name with everything in /usr, and without a directory that is named
// for an architecture.
func usual(name string) string {
	for _, dir := range []string{"/bin/", "/sbin/", "/lib/", "/lib64/"} {
		if strings.HasPrefix(name, dir) {
			name = "/usr" + name
		}
	}
	name = strings.Replace(name, "/usr/lib64/", "/usr/lib/", 1)
	parts := strings.Split(name, "/")
	if len(parts) > 4 && parts[2] == "lib" && strings.Contains(parts[3], "-linux-gnu") {
		parts = append(parts[:3], parts[4:]...)
	}
	return strings.Join(parts, "/")
}

// willing are programs that do what their caller says: with the rights of root
// they give those to everybody who may run them.
const willing = " ash awk base64 bash bpftrace busybox capsh cat chmod chown chroot cp csh curl dash dd debugfs docker ed emacs env " +
	"expect find fish flock ftp gawk gcc gdb git grep install ionice ip jq ksh ld ldconfig less ln logrotate lua make mawk " +
	"mksh more mv nano nc ncat netcat nice nmap node nohup nsenter openssl perl php pico python rpm rsync ruby run-parts rvim scp " +
	"screen sed setarch setpriv sh socat sort ssh-keygen start-stop-daemon stdbuf strace sudoedit systemctl tail tar taskset " +
	"tclsh tcsh tee time timeout tmux unshare unzip vi view vim wget xargs xxd zip zsh "

// powerful reports whether a program does what its caller says. Versions at the
// end of a name (python3.11) and variants (vim.basic) do not count.
func powerful(name string) bool {
	base, _, _ := strings.Cut(path.Base(name), ".")
	base = strings.TrimRight(base, "0123456789-")
	return base != "" && strings.Contains(willing, " "+base+" ")
}
