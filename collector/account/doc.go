// Package account holds the people who use the collector: their names, the hashes of
// their passwords, what they may do and of which hosts.
//
// # Roles and scope
//
// A viewer reads. An operator also decides about hosts and findings. An admin also
// decides about people, settings and what is forgotten. Who has a role may do what those
// below it may. A scope is a list of tags: who has one sees the hosts with one of these
// tags and no other. Tags are those that an administrator or an enrolment token gave a
// host, never what it says of itself, or it could place itself before anybody's eyes.
// An admin has no scope.
//
// # Names and passwords
//
// A name is 1 to 64 of a-z, 0-9, dot, hyphen, underscore and @. A password has at least 12
// characters and is not the name; there is no rule about kinds of characters and no
// expiry (NIST SP 800-63B, 5.1.1.2). What is stored is argon2id (package password). Who
// is told of by a provider of identities has no password here.
//
// A sign-in takes as long for a name that does not exist as for a wrong password, and
// says the same. How many attempts there may be is decided where they arrive.
//
// The last admin who can sign in can be neither removed, disabled, nor made less.
//
// Each change is written to the trail in the same transaction.
package account
