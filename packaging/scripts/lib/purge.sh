# purge: configuration, data and users. The names of users are checked against the homes that this
# package gave them: somebody else's "seawall" stays.
purge() {
	for unit in $sockets $services; do
		# What "systemctl enable" and a set-up have made beside the packages' own helpers.
		rm -f "/etc/systemd/system/"*".wants/$unit" "/etc/systemd/system/$unit.d/setup.conf"
		rmdir "/etc/systemd/system/$unit.d" 2>/dev/null || true
	done
	case $package in
	seawall)
		rm -rf /etc/seawall /var/lib/seawall /var/lib/seawall-uplink /run/seawall /run/seawall-uplink
		forget seawall-sensor /var/lib/seawall
		forget seawall /var/lib/seawall-uplink
		if getent group seawall-spool >/dev/null; then
			groupdel seawall-spool || true
		fi
		;;
	seawall-collector)
		rm -rf /etc/seawall-collector /etc/seawall-notify /var/lib/seawall-collector /var/lib/seawall-collector-backups /run/seawall-collector /var/log/seawall-notify
		forget seawall-notify /etc/seawall-notify
		forget seawall-collector /var/lib/seawall-collector
		;;
	esac
}

# forget USER HOME
forget() {
	if [ "$(getent passwd "$1" | cut -d: -f6)" = "$2" ]; then
		userdel "$1" || true
		if getent group "$1" >/dev/null; then
			groupdel "$1" || true
		fi
	fi
}
