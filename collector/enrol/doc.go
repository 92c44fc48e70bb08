// Package enrol admits hosts: it speaks EnrolmentService of
// proto/seawall/v1/enrol.proto, and holds the tokens that invite.
//
// # Who is admitted
//
// A host asks with a token, with the certificate of a host that it is a copy of, or
// with both. It is admitted at once when the token invites it, and waits for a
// person when the token or the configuration says so, and always when it has no
// token. What a person decided stands until the request has not been repeated for
// 14 days; a rejection stays.
//
// A host is bound to one key for ever. The same key gets the same host, as often as
// it asks: any answer may be lost. Another key with a token that is used up is
// refused and, with a token for one host, told in that host's timeline with both
// addresses: somebody else had the token. A token counts keys, and counts one that
// waits for a person when it begins to wait.
//
// The names of the machine are labels and decide nothing but whether a token's scope
// holds it, which is a guard against mistakes and not against lies.
//
// A token may carry tags. A host that it admits has them from the transaction that makes
// it a member on, also when it waited for a person: from its first record on, scopes,
// waivers and alert rules go by them. They are for newcomers alone: a member that is
// invited anew keeps the tags that people gave it since, so that who may invite hosts
// changes who may see none that is there. A machine has no say in them.
//
// # Several collectors
//
// What was decided is in the database, so that a host may ask any collector that uses
// it: a request that one of them took is approved with another, and a token of one
// counts with all. A token that is not known here is looked for there, once for each
// failure that the bounds below allow. The bounds themselves are each collector's own.
//
// # Certificates
//
// Of the signing request the key is used and nothing else. A certificate lives 14
// days. One that expired at most 90 days ago still renews, since the handshake
// proves the key, and the store is asked whether the host is still welcome: that is
// a recovery, and is counted and told. Renewing twice does no harm and does not
// touch the session number, by which package roster notices copied keys.
//
// # Bounds
//
// A caller that proves nothing costs one look into a table in memory and one
// SHA-256, whether the token is unknown or its secret is wrong, and is answered the
// same; with a certificate, one look at a signature. Nothing of it reaches the disk,
// but for the look for another collector's token. Its failures are bounded by address
// (by /64 with IPv6) and in all; who has a valid token or certificate is not held up by
// them. What they may cost together is bounded, too: 500 a second after a burst of
// 1,000. Waiting requests are bounded in all and by the host that they are copies of.
package enrol
