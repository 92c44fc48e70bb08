package=seawall
services="seawall-sensor.service seawall-uplink.service"
sockets="seawall-sensor-audit.socket seawall-buffer.socket seawall-restarts.socket seawall-network.socket seawall-uplink.path"
first="$sockets $services"

# rules: what is left of our audit rules after the sensor was stopped, which removes them itself
# unless it was killed.
rules() {
	if have auditctl; then
		auditctl -D -k seawall >/dev/null 2>&1 || true
	fi
}
