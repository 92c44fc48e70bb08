#!/bin/bash
# A Debian 12 web and database server with systemd as process 1, in a container with
# a network of its own, for package main of this folder. Needs root, systemd-container
# and slirp4netns.
#
#	machine.sh prepare TREE DIR   copies nothing: DIR is an overlay over TREE, a Debian 12
#	machine.sh start DIR          all of it with the login user that stands for none
#	machine.sh as DIR USER        runs the script on standard input in a login of USER, by ssh
#	machine.sh places DIR         prints the inodes of files
#	machine.sh stop DIR
set -euo pipefail

none=4242 # the login user of all that no one logged in for; users have 4243 and above
packages=(apache2-utils rsync git man-db gcc libc6-dev make postgresql certbot zip jq ansible-core podman crun busybox-static)

prepare() {
	local tree=$1 dir=$2 root=$2/root
	mkdir -p "$dir/up" "$dir/wk" "$root"
	mount -t overlay overlay -o "lowerdir=$tree,upperdir=$dir/up,workdir=$dir/wk" "$root"
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	rm -f "$root"/etc/apt/sources.list.d/*
	cat >"$root/etc/apt/sources.list" <<-X
		deb http://deb.debian.org/debian bookworm main
		deb http://deb.debian.org/debian bookworm-updates main
		deb http://deb.debian.org/debian-security bookworm-security main
	X
	: >"$root/etc/fstab"
	mkdir -p "$root/etc/cloud" && : >"$root/etc/cloud/cloud-init.disabled"
	ln -sf /dev/null "$root/etc/systemd/system/auditd.service"
	ln -sf /dev/null "$root/etc/systemd/system/networking.service"
	echo web-1 >"$root/etc/hostname"
	echo 127.0.1.1 web-1 >>"$root/etc/hosts"
	local in=(env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive chroot "$root")
	"${in[@]}" apt-get update -qq
	"${in[@]}" apt-get install -y -qq -d --no-install-recommends "${packages[@]}"
	"${in[@]}" apt-get dist-upgrade -y -qq -d
	ssh-keygen -A -f "$root" >/dev/null
	ssh-keygen -q -t ed25519 -N '' -f "$dir/key"
	local user id=$none
	for user in ann deploy backup-user; do
		id=$((id + 1))
		"${in[@]}" useradd -m -u "$id" -s /bin/bash "$user"
		install -d -m 700 -o "$id" -g "$id" "$root/home/$user/.ssh"
		install -m 600 -o "$id" -g "$id" "$dir/key.pub" "$root/home/$user/.ssh/authorized_keys"
	done
	install -m 600 -o $((none + 1)) -g $((none + 1)) "$dir/key" "$root/home/ann/.ssh/id_ed25519" # for programs that log in
	echo 'ann ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/ann"
	chmod 440 "$root/etc/sudoers.d/ann"
	echo ann:Right-horse-1 | "${in[@]}" chpasswd
	# The jobs of days in minutes: cron.daily and what monitors are made of.
	cat >"$root/etc/cron.d/week" <<-'X'
		* * * * * root run-parts --report /etc/cron.daily
		* * * * * deploy /usr/local/bin/healthcheck
	X
	cat >"$root/usr/local/bin/healthcheck" <<-'X'
		#!/bin/sh
		df -P / | awk 'NR == 2 {print $5}'
		uptime; free -m; ss -tln | wc -l; ps -e | wc -l
		curl -fsS -m 5 -o /dev/null http://127.0.0.1/ || logger -t health "web is down"
	X
	chmod 755 "$root/usr/local/bin/healthcheck"
	ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
	: >"$root/usr/local/bin/node"
	[[ -z ${BENIGN_SEAWALL:-} ]] || seawall "$root" "${in[@]}"
}

# seawall ROOT COMMAND...: as a package would have placed it.
seawall() {
	local root=$1 from
	shift
	from=$(dirname "$0")/../../packaging
	install -m 755 "$BENIGN_SEAWALL"/seawall{,-uplink,-collector} "$root/usr/bin"
	install -m 644 "$from"/systemd/seawall-* "$root/usr/lib/systemd/system"
	install -m 644 "$from"/sysusers.d/*.conf "$root/usr/lib/sysusers.d"
	install -m 644 "$from"/tmpfiles.d/*.conf "$root/usr/lib/tmpfiles.d"
	"$@" systemd-sysusers
	systemd-tmpfiles --root="$root" --create seawall.conf seawall-collector.conf
}

start() {
	local dir=$1 root=$1/root h
	ip netns add seawall-benign
	ip netns exec seawall-benign ip link set lo up
	slirp4netns -c --netns-type=path /run/netns/seawall-benign tap0 >"$dir/slirp.log" 2>&1 &
	echo $! >"$dir/slirp.pid"
	echo nameserver 10.0.2.3 >"$root/etc/resolv.conf"
	for h in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
		[[ -e $h/cgroup.procs ]] || continue
		if mkdir -p "$h/seawall-benign" 2>/dev/null; then echo $BASHPID >"$h/seawall-benign/cgroup.procs" || true; fi
	done
	# nspawn's filter of system calls would keep programs from telling audit anything.
	SYSTEMD_SECCOMP=0 SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 setsid systemd-nspawn -q --register=no --keep-unit -D "$root" --console=pipe \
		--machine=web-1 --network-namespace-path=/run/netns/seawall-benign --capability=CAP_AUDIT_CONTROL,CAP_AUDIT_WRITE \
		${BENIGN_GO:+--bind-ro="$BENIGN_GO:/usr/local/go"} \
		${BENIGN_NODE:+--bind-ro="$BENIGN_NODE/bin/node:/usr/local/bin/node" --bind-ro="$BENIGN_NODE/lib/node_modules:/usr/local/lib/node_modules"} --kill-signal=SIGRTMIN+3 \
		sh -c "echo $none > /proc/self/loginuid; exec /lib/systemd/systemd" </dev/null >"$dir/console.log" 2>&1 &
	echo $! >"$dir/nspawn.pid"
	for ((h = 0; h < 200; h++)); do
		as "$dir" ann <<<true 2>/dev/null && return
		read -rt 0.2 <> <(:) || true
	done
	tail -20 "$dir/console.log"
	return 1
}

# as runs outside of the machine, so that only its server of ssh is seen.
as() {
	ip netns exec seawall-benign ssh -q -i "$1/key" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=2 "$2@10.0.2.100" bash -s
}

# places tells the files that a sensor would know by inode, as replay reads them.
places() {
	local root=$1/root
	{
		find "$root"/{etc,root,var/spool/cron,var/log,usr/lib/systemd,usr/lib/*/security} -xdev -printf '%D %i %p\n'
		find "$root"/usr/{bin,sbin} -maxdepth 0 -printf '%D %i %p\n'
	} 2>/dev/null | awk -v root="$root" 'NF == 3 && sub(root, "", $3) {
		printf "# %02x:%02x %s %s\n", int($1 / 256) % 4096, $1 % 256 + int($1 / 1048576) * 256, $2, $3
	}'
}

stop() {
	local dir=$1 pid
	pid=$(cat "$dir/nspawn.pid" 2>/dev/null) && kill -TERM "$pid" 2>/dev/null && while kill -0 "$pid" 2>/dev/null; do read -rt 0.2 <> <(:) || true; done
	if pid=$(cat "$dir/slirp.pid" 2>/dev/null); then kill "$pid" 2>/dev/null || true; fi
	ip netns del seawall-benign 2>/dev/null || true
	umount "$dir/root"
	rm -rf "$dir"
}

"$@"
