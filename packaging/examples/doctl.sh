#!/bin/sh
# Makes a Droplet that enrols itself: doctl.sh NAME [OPTION OF SEAWALL-COLLECTOR BOOTSTRAP]...
# The user-data goes from the collector to doctl; it is on no disk and in no argument.
set -eu
collector=${COLLECTOR:-root@collector.example.net}
name=$1
shift
# The token is for a host of this name alone.
ssh "$collector" seawall-collector bootstrap --name "${name%%.*}" --ttl 30m "$@" |
	doctl compute droplet create "$name" --user-data-file /dev/stdin --wait \
		--image "${IMAGE:-debian-12-x64}" --size "${SIZE:-s-1vcpu-1gb}" --region "${REGION:-fra1}" \
		${SSH_KEYS:+--ssh-keys "$SSH_KEYS"}
