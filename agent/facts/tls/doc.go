// Package tls reads what a host offers over TLS: the sites in its servers'
// configurations (package site), the certificates and keys that they name, whether
// those are renewed (package renewal), and the limits that OpenSSL and the system's
// policy set for all programs.
//
// # Certificates
//
// Each file that a site names is read once and judged as a client would: whom it is
// for, how long it lasts, who signed it, and whether the authorities between are
// there and in order (package certfile). "Trusted" is measured by this host's own
// store. A certificate that a server gets by itself (Caddy, mod_md) is looked for in
// its directory.
//
// A certificate's days are whole days from now; the clock of the host decides.
//
// # Keys
//
// Of a key its public part is compared with the certificate's and everything else
// forgotten. What counts for its permissions is the file that links lead to, and the
// directories above that.
//
// # OpenSSL
//
// Which of the configured protocols are offered depends on the library: OpenSSL 3
// needs security level 0 for anything before TLS 1.2, and openssl.cnf can set a
// smallest protocol for programs that set none. The level is that of the cipher
// string, else of openssl.cnf, else the one that the distribution builds in (2 on
// Debian and Ubuntu, 1 elsewhere). The version is that of the file libssl.so.
//
// # Not done here
//
// No connection is made: a server that was not reloaded after a renewal still sends
// its old certificate. Servers without a configuration that is read here (a program
// of one's own) are not seen. Revocation is not asked for. Lists have bounds; one that
// is cut says so (Meta.Partial).
package tls
