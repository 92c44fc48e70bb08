// Package cloud reads what the host knows of its provider, what cloud-init did and
// left on it, and what would go with an image that is made of it.
//
// Nobody is asked: neither the metadata service nor the provider's API. The
// provider is what the firmware (/sys/class/dmi/id) or cloud-init's instance-data
// names. What only the provider knows (backups, a firewall before the host) is
// unknown, unless the host's owner states it in /etc/seawall/cloud.yaml:
//
//	backups: yes           # or no
//	firewall: web-servers  # the name of the firewall before the host; no where there is none
//
// What is stated counts, and is shown with its line.
//
// cloud-init's own files are those of its documentation ("Files and directories"):
// /etc/cloud/cloud.cfg and cloud.cfg.d, of which the last value counts,
// /var/lib/cloud/instance and data/result.json. Passwords in them are told by their
// line alone. Templates (## template: jinja) are read as they are; what is no YAML
// then sets nothing.
//
// The things of an image are those that the image check of DigitalOcean's
// marketplace looks for (marketplace-partners, scripts/99-img-check.sh). Lists have
// bounds; one that is cut says so (Meta.Partial).
package cloud
