// Package trust is what a host and the collector believe of each other: the pin
// in a token, the bundle of authorities that a host keeps, and the names in
// certificates. Both sides link it, so that they cannot differ. It issues nothing
// and keeps nothing.
//
// # Certificates
//
// All keys are on P-256. An authority signs two kinds of certificate:
//
//   - a host's has the one name "seawall:host:" and the host's id (a URI of 32
//     lower-case hexadecimal digits), and is good for clients only;
//   - the collector's has the DNS name [CollectorName] among its names, and is
//     good for servers only. Where the collector is reached decides nothing.
//
// Neither may sign, and neither is good in the other's place.
//
// # How a host knows the collector
//
// Before it is enrolled it has a [Pin], the hash of an authority's key. Some
// certificate of the chain that the collector sends must hold that key, and the
// collector's own must be signed below it. Who sends a certificate with the pinned
// key in it proves nothing by that: the signatures do.
//
// Then it has a [Bundle]. A new authority's key is certified by the one before it
// (RFC 4210, 4.4: "new with old"), and the collector sends those certificates
// behind its own, newest first. So a host that slept through rotations comes from
// the authority that it knows to the newest, and takes the new bundle from there.
//
// # How the collector knows a host
//
// A host's certificate is signed by an authority of the bundle itself, with
// nothing between ([VerifyHost]). Otherwise an authority that is no longer trusted
// would come back through the certificate that an older one once gave it.
//
// # Time
//
// An error with an [x509.CertificateInvalidError] of reason [x509.Expired] is only
// said of a certificate that is otherwise good, and holds what the clock of this
// machine says. Whoever forges one learns that it is forged, not that it is old.
//
// # Limits
//
// A chain has at most [MaxChain] certificates, a bundle 1 to [MaxBundle] of at most
// 4 KiB each.
package trust
