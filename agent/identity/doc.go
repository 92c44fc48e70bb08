// Package identity keeps what this host proves to be: one key on P-256, the
// certificates that the collector issued for it, the authorities that this host
// believes, and the machine that all this belongs to.
//
// It is one file, identity.json in the uplink's state directory, with mode 0600,
// replaced atomically and durable before a call returns:
//
//	version   1
//	key       PKCS #8, made here before anything is sent, so that whoever asks
//	          twice asks with the same key
//	machine   where the key was made; another machine must not use it
//	host      32 hexadecimal digits that the collector drew; none before enrolment
//	chain     X.509, the host's certificate first
//	bundle    the authorities, with their revision
//	session   the number of the last session that the collector gave
//	token     id, not secret, of the token that admitted the host
//
// A file that is damaged, or not private, is an error and never a reason for a new
// key: a new key is another host. An identity that is not this machine's is set
// aside as original.json ([Identity.SetAside]); it serves once more, to ask for one
// of its own.
//
// The package asks nothing of the network: see package enrol.
package identity
