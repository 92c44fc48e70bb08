// Package exposure looks at what the host's network namespace lets in: the loaded
// packet filters, the sockets that wait for others and whose they are, and whether
// a stranger in the Internet gets to them.
//
// Both groups of facts about it, firewall and sockets, share one look.
package exposure
