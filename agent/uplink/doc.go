// Package uplink carries the spool to the collector: the process with the network,
// that has no privileges and knows nothing of what it carries.
//
// It follows every lane of the spool and sends each record as soon as it is
// durable, over one bidirectional stream (proto/seawall/v1/ingest.proto). It
// decodes no payload, starts no program and writes nothing but its own state
// directory. Nothing that the collector sends reaches further than this package:
// positions, two bounds and a number of milliseconds.
//
// # The stream
//
//	uplink                                   collector
//	Hello{protocol, version, oldest}    ─►
//	                                    ◄─   Welcome{have, bounds}
//	Batch{lane, epoch, entries} …       ─►
//	                                    ◄─   Ack{lane, epoch, sequence} …
//	                                    ◄─   Drain{within}
//
// Welcome is complete and decides: each lane is sent from behind the position that
// the collector has, from the oldest record where it has none or one that the
// spool does not know. So what the collector lost is sent again while the spool
// has it, and nothing is sent twice because a process restarted. A lane is sent in
// order; an Ack covers everything sent before it in its lane. An Ack of something
// that was not sent ends the stream.
//
// Bytes that are sent and not acknowledged are bounded, so a collector that stands
// still makes this process wait and not grow; the spool is the queue. Memory is a
// few times the bound in flight, whatever either side does.
//
// # Reconnecting
//
// The pause before attempt n is drawn uniformly from zero to 200 ms · 2ⁿ, at most
// Config.MaxBackoff. Only a stream that lived for a minute starts over with n = 0,
// so that a collector that accepts and then fails is not asked in a loop. After a
// Drain the pause is drawn from the time it gives. A connection that says nothing
// is asked after 20 s and dropped after 10 more.
//
// # Identity
//
// TLS 1.3 and nothing else; there is no way to turn it off. The collector is known
// by the SHA-256 of its public key ([Pin]); names, dates and authorities decide
// nothing. This host is the P-256 key in [Identity], made at first start: its name
// is the first half of the SHA-256 of its public key. Enrolment takes the place of
// [OpenIdentity] and of [Identity.TLS], and of nothing else.
//
// # State directory
//
//	identity.pem   key and certificate, 0600
//	state.json     what is acknowledged, by lane; for people and [ReadState]
//	lock           held by the one uplink that uses the directory
//
// state.json is written at most once a second and decides nothing: when the
// collector has less than it says, that is logged, and the collector wins.
package uplink
