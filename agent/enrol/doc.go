// Package enrol makes this host one of the collector's, and keeps it one.
//
// # Enrolment
//
// [Enrolment.Ensure] returns when the host has a certificate. It asks for one with
// the token in the token file, over TLS to the holder of the key that the token
// pins: nothing is sent to anybody else. The key was made before, so an answer that
// is lost does no harm; the host asks again with the same key and gets the same
// answer. The token is removed when the identity is durable.
//
// What only a person can mend is waited for, told once in the log and always in the
// state: no token; a token that is expired, used up or revoked, until another one
// lies in its place; approval. Errors of the network are tried again with full
// jitter.
//
// # Copies
//
// The key is sealed with the names of the machine (package machine). On another
// machine the identity is set aside and never used to deliver: this is a copy, and
// asks for an identity of its own, with the token if there is one, or else over
// TLS with the original's certificate, which always waits for a person.
//
// # Renewal
//
// [Enrolment.Keep] renews the certificate when a third of its life is over, spread
// by the key over another sixth, so that hosts that enrolled together do not renew
// together. A renewal that does not succeed is tried again and takes nothing away.
// A certificate that expired still renews itself for 90 days, since it is the key
// that is proved ([Enrolment.Prepare]). Whether it expired is for the collector to
// say as much as for this machine's clock.
//
// A host that is revoked, quarantined, unknown or too late asks again rarely, and
// keeps its identity until a new token invites it: with a new key, where it was the
// key that was refused. A token that was left in place (for images) does not undo a
// revocation: the one that admitted the host does not count again.
package enrol
