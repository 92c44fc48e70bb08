// Package sshd reads what the host's SSH server really does: its effective
// settings for every kind of connection, and the file and line behind each.
//
// On the running system the truth is the server's own: `sshd -T -C …`, asked
// once for every set of Match blocks that can apply together (package sshdconf
// finds one example of each). sshd does not say where a value comes from; our
// own reading of the same files does. For an image, or where sshd does not run,
// our own reading gives the values too, and [Facts].ByParser says so.
//
// A configuration that sshd refuses gives no settings at all: the state is error
// and Refused has sshd's message, so that no check passes on it.
package sshd
