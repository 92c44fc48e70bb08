// Package secrets finds passwords, tokens and private keys where they should not
// lie: in the histories of shells, in files that others may read, in what a web
// server gives to everybody, in units, and in what cloud-init was given.
//
// # What is searched
//
// One walk, by package walk, through the homes of root and of everybody who can
// log in, the roots of web sites (package webroot), /srv and /opt: the directories
// that hold the owner's things and not the distribution's. Of a home, files are
// read that are short and whose name says that they are settings, scripts or keys;
// package leak says what is a secret. Besides, the fixed places: /etc/environment,
// /etc/default, /etc/profile.d, crontabs, units in /etc/systemd/system with the
// files that their EnvironmentFile= names, and cloud-init's data.
//
// A file that holds secrets by its nature (~/.aws/credentials) is not read at all:
// its mode matters.
//
// # What is kept
//
// The kind, file and line of a secret, and who may read the file: never a byte of
// the secret. Open says that everybody on the host can: its own mode and those of
// all directories above it.
//
// # Limits
//
// Four levels of directories in a home, six in a web root; 20,000 entries, 3,000
// files and 12 MiB are read, one file to 256 KiB (a history to 2 MiB). What was cut
// short is said in Searched.Cut. Caches, libraries of interpreters, and what
// version control keeps are passed over. Network file systems are not entered.
package secrets
