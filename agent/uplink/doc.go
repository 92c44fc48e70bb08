// Package uplink carries the spool to the collector: the process with the network,
// that has no privileges and knows nothing of what it carries.
//
// It follows every lane of the spool and sends each record as soon as it is
// durable, over one bidirectional stream (proto/seawall/v1/ingest.proto). It
// decodes no payload, starts no program and writes nothing but its own state
// directory. Nothing that the collector sends reaches further than this package,
// but certificates: positions, bounds, a number and a time.
//
// # The stream
//
//	uplink                                        collector
//	Hello{protocol 2, oldest, session, bundle} ─►
//	                                           ◄─ Welcome{have, bounds, session}
//	Confirm{session}                           ─►
//	Batch{lane, epoch, gaps, entries} …        ─►
//	                                           ◄─ Ack{lane, epoch, sequence} …
//	                                           ◄─ Credit{bytes}, Bundle{authorities}
//	Confirm{bundle}                            ─►
//	                                           ◄─ Drain{within}
//
// The session's number is durable before it is confirmed, and nothing is sent
// before that: a copy of this host's key is known by an older number. A bundle of
// authorities replaces the one that this host has when its revision is higher, and
// is durable before it is confirmed.
//
// Welcome is complete and decides: each lane is sent from behind the position that
// the collector has, from the oldest record where it has none or one that the
// spool does not know. So what the collector lost is sent again while the spool
// has it, and nothing is sent twice because a process restarted. A lane is sent in
// order; an Ack covers everything sent before it in its lane. An Ack of something
// that was not sent ends the stream. What the spool has lost is told with the
// record behind it, with its exact range and reason.
//
// Entries are compressed where that pays. Their bytes that are sent and not
// acknowledged are within the credit that the collector gives and may change, or
// are one batch; the spool is the queue. Memory is a few times the credit,
// whatever either side does.
//
// # A machine that was set back
//
// The collector's position has the digest of its record. When the spool has
// another record there, this machine runs on from a snapshot, and its next records
// have names that others had before. When the spool ends before the position, its
// disk was restored, or the sensor has not yet found the tail of it after a crash.
// Such a lane waits, and [State] names it. Nothing more of that epoch is sent: the
// first record of the next one, which begins with the sensor, is, and tells what
// is missing as GAP_REASON_DIVERGED.
//
// # Reconnecting
//
// The pause before attempt n is drawn uniformly from zero to 200 ms · 2ⁿ, at most
// Config.MaxBackoff, or 15 minutes after a refusal that only a person can undo.
// Only a stream that lived for a minute starts over with n = 0, so that a
// collector that accepts and then fails is not asked in a loop. After a Drain the
// pause is drawn from the time it gives. When the collector says that this host's
// certificate has expired, Config.Prepare can renew it at once, and then again
// after pauses. A connection that says nothing is asked after 20 s and dropped
// after 10 more.
//
// # Identity
//
// TLS 1.3 and nothing else; there is no way to turn it off. Who this host is and
// which collector it believes is for package identity, how it came to that for
// package enrol.
//
// # State directory
//
//	state.json   what is acknowledged, by lane; for people and [ReadState]
//	lock         held by the one uplink that uses the directory
//
// state.json is written at most once a second and decides nothing: when the
// collector has less than it says, that is logged, and the collector wins.
package uplink
