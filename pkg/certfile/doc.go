// Package certfile reads the files that TLS servers are given: certificates, private
// keys and Diffie-Hellman parameters, all PEM (RFC 7468), and judges a chain as a
// client would that has this host's authorities.
//
// # Certificates
//
// A file holds what a server sends: its own certificate first, then those of the
// authorities between it and a root, each signing the one before it. A root may be
// left out. [Judge] follows the path by names and signatures, and tells a missing
// authority from certificates in the wrong order and from ones that do not belong.
//
// # Keys
//
// Of a private key only the public part is taken ([ParseKey]): the numbers that an
// RSA key begins with, or the point that belongs to a scalar. The bytes are
// overwritten before the function returns.
//
// # Limits
//
// A file has at most 64 certificates. Certificates that Go's crypto/x509 refuses
// (other curves than NIST's and Edwards', serial numbers below zero) are an error,
// though OpenSSL may take them. Revocation is not asked for: that would need the
// network.
package certfile
