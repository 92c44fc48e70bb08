// Package authority is the collector's certification authority: it signs the
// certificates of hosts and the collector's own, and replaces itself without a
// visit to any host. What makes a certificate good is in package trust; who may
// have one is for enrolment to decide.
//
// # On disk
//
// The folder "ca" in the collector's state folder, mode 0700, holds a file ID.pem
// for each authority, key and certificate, mode 0600, ID being the first 16
// hexadecimal digits of the SHA-256 of its public key, and state.json, which lists
// them, oldest first, with the revision of the trust bundle. A key file is written
// once and never changed; the state is replaced whole. Everything is on the disk
// before anything uses it. The folder is made under another name and renamed, so
// it is there as a whole or not at all.
//
// What cannot be read is an error and is never made anew: new keys would lock out
// every host. A key file that the state does not list is what a rotation left that
// did not come to its end, or belongs to a newer state than the one that was
// restored: it is neither used nor removed.
//
// # The life of an authority
//
// [Authority.Rotate] makes a new authority that signs from then on. The ones before
// stay in the bundle, and what they signed stays good. Each authority's key is
// certified by the one before it, and the collector sends those certificates behind
// its own in every handshake, five authorities deep: a host that knows an old one
// finds its way to the newest, and gets the bundle there.
//
// [Authority.Retire] takes an authority out of the bundle, when all hosts have the
// bundle with its successor and none holds a certificate of its signing any more.
// A sleeping host still comes back: the certificates that lead on from a retired
// authority are still sent, and the certificate it gave to a host is still believed.
//
// Distrusting goes further, for a key that may have been stolen. What it signed is
// refused, hosts' certificates included, so retiring and waiting for renewals comes
// first where there is time. The authority before it vouches for the one after it
// in its place, and a host that knows neither has to enrol again. Whoever has the
// key could still show himself to a host that believes an older authority, with the
// certificate which that one once gave it: so the older ones leave the bundle, too.
//
// The revision of the bundle is at least the time in seconds at which it was made,
// so that it grows even when the state was restored from a backup.
//
// # The collector's own certificate
//
// It lives 90 days, in memory alone, and is made anew at each start, a third of the
// way, after a rotation, and when the clock was set to before its time. Handshakes
// take the newest; nothing needs a restart.
//
// There is no revocation list: the collector is the only one who asks whether a
// host is good, and it knows. Keys are on P-256, authorities live 20 years.
package authority
