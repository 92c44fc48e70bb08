package=seawall-collector
services="seawall-collector.service seawall-notify.service"
# The timer is as a socket: an upgrade leaves it as it is.
sockets="seawall-collector-ingest.socket seawall-collector-dashboard.socket seawall-collector-backup.timer"
# It starts when somebody has said where it listens: seawall-collector setup
first=

rules() { :; }
