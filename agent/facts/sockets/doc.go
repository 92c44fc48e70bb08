// Package sockets reads how the host stands in its network: which processes listen
// at which addresses and who reaches them, its interfaces, and by what it resolves
// names.
package sockets
