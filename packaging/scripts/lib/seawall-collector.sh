package=seawall-collector
services="seawall-collector.service seawall-notify.service"
sockets="seawall-collector-ingest.socket seawall-collector-dashboard.socket"
# It starts when somebody has said where it listens: seawall-collector setup
first=

rules() { :; }
