// Package host plays hosts to a collector: each has a key, a certificate, a spool
// and a stream as a real uplink has, and costs a few goroutines and no disk.
//
// What counts is that the collector cannot tell the difference: TLS 1.3 with the
// certificate that enrolment gave, a full handshake each time, the real pauses
// between attempts (full jitter, doubling from 200 ms to a minute, the collector's
// own wish after a Drain), batches within its bounds and credit, everything not
// acknowledged sent again on the next stream.
//
// What differs is the spool. Its records follow from their sequence (package
// sample), so that it is three numbers: what was made, sent and acknowledged. What
// is to be durable on a host is durable when it is in memory here: this host never
// crashes.
//
// A host watches the collector, too. An acknowledgement or a position of what was
// never sent, a position behind what was acknowledged, another digest than that of
// the record: each is a breach that [Tally.Breaches] tells.
package host
