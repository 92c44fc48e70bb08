// Package sshkey reads lines of authorized_keys files as sshd reads them, and says
// how strong the keys are.
//
// # Format
//
// A line is "[options] kind base64 [comment]" (sshd(8), AUTHORIZED_KEYS FILE FORMAT;
// auth2-pubkeyfile.c, auth-options.c, sshkey.c of OpenSSH 9.2). It is tried as a key
// first, and where that fails as options and a key: options end at the first blank
// that is not between quotes, in which \" is a quote. An option that sshd does not
// know, one that lacks its value, and a key that is cut short make it pass over the
// line, and [ParseLine] an error.
//
// # Strength
//
// Besides kind and length an RSA key is weak when its modulus was made by the faulty
// chips of CVE-2017-15361 (ROCA): it is then a power of 65537 modulo each of a list
// of small primes, which happens by chance once in 2^27 keys. A modulus with a small
// factor, or an exponent that is even or one, is no key at all.
//
// Certificates are keys of their kind here; their validity is not read.
package sshkey
