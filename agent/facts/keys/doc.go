// Package keys reads the keys that open SSH: the authorized keys of every user.
//
// AuthorizedKeysFile is followed as sshd follows it (sshd(8), AUTHORIZED_KEYS FILE
// FORMAT; auth2-pubkey.c, auth2-pubkeyfile.c): the value that holds for the user,
// Match blocks included, over every kind of connection; several files; the tokens
// %h, %u, %U and %%; relative names from the home. The configuration is read by
// package sshdconf, without the options on sshd's command line.
//
// What is kept of a key is its kind, length, fingerprint, comment and the names of
// its options. Keys that come from AuthorizedKeysCommand are not on the disk: then
// Command says so. Which of a user's certificates would be taken is not read.
package keys
