# users: the users of this package. Declared in sysusers.d; made by hand where systemd is missing or
# too old to read the declaration.
users() {
	if have systemd-sysusers && systemd-sysusers "$package.conf" >/dev/null 2>&1; then
		return 0
	fi
	while read -r kind name word rest; do
		case $kind in
		g) getent group "$name" >/dev/null || groupadd --system "$name" ;;
		u)
			full=${rest#\"}
			home=${full#*\" }
			full=${full%%\"*}
			home=${home%% *}
			getent group "$name" >/dev/null || groupadd --system "$name"
			getent passwd "$name" >/dev/null ||
				useradd --system --gid "$name" --no-create-home --home-dir "$home" --comment "$full" --shell /usr/sbin/nologin "$name"
			;;
		m) usermod --append --groups "$word" "$name" ;;
		esac
	done <"/usr/lib/sysusers.d/$package.conf"
}

# folders: those of tmpfiles.d, likewise.
folders() {
	if have systemd-tmpfiles && systemd-tmpfiles --create "$package.conf" >/dev/null 2>&1; then
		return 0
	fi
	while read -r kind path mode owner group _; do
		if [ "$kind" = d ]; then
			mkdir -p "$path"
			chown "$owner:$group" "$path"
			chmod "$mode" "$path"
		fi
	done <"/usr/lib/tmpfiles.d/$package.conf"
}
