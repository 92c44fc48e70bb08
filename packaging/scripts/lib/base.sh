# have PROGRAM: whether it can be run.
have() { command -v "$1" >/dev/null 2>&1; }

# booted: whether systemd runs this machine. Not so in a chroot and while an image is made.
booted() { [ -d /run/systemd/system ] && have systemctl; }

# told UNIT: what it says of itself where it does not run.
told() {
	case $(systemctl is-active "$1") in
	failed | activating)
		echo "$1 does not run: $(systemctl show -p StatusText --value "$1")" >&2
		echo "see systemctl status $1" >&2
		;;
	esac
}
