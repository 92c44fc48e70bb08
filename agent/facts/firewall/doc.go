// Package firewall reads what the host's packet filters let in: nftables, iptables,
// ufw and firewalld, as loaded and as they will be after the next boot. Lists have
// bounds; one that is cut says so (Meta.Partial).
package firewall
