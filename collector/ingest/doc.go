// Package ingest takes the spools of hosts over gRPC and gives them to a store.
//
// It speaks IngestService of proto/seawall/v1/ingest.proto. One stream carries one
// host's records:
//
//	host       Hello{protocol 2, oldest, session, bundle_revision}
//	collector  Welcome{have, session, bounds}
//	host       Confirm{session}              it is durable
//	host       Batch{lane, epoch, gaps, entries}   as many as its credit allows
//	collector  Ack{position}                 after the batch is durable
//	collector  Credit{bytes}                 when a host's share changed
//	collector  Bundle{revision, authorities} when the host's is older
//	host       Confirm{bundle_revision}      it is durable
//	collector  Drain{within}                 when the collector stops, or the stream is old
//
// The host is the certificate that the connection proved; no message can name
// another. A roster says whether it may deliver: at the handshake, when the stream
// begins and at every batch. A newer stream of the same host ends this one, and so
// do revocation, quarantine and the end of its certificate, at once, whatever the
// stream is doing.
//
// Where several collectors share the hosts, those of one that was away are with the
// others and would stay there. So a stream may have an age (Config.StreamAge), at which it
// is asked to begin anew; what spreads connections over the collectors does the rest.
//
// Records are decoded here, once. One that cannot be decoded is handed on as
// rejected and acknowledged with the others: a host must neither lose a record
// unseen nor be stopped by it. What the host says it lost goes to the store with
// the batch.
//
// # Memory
//
// There is no queue between receiving and committing. A batch is read, the store
// makes it durable, the host is told. A store that cannot write ends the stream
// with UNAVAILABLE and nothing is acknowledged; one that stands still makes
// everything wait where it is, and the hosts spool.
//
// Config.MemoryBytes bounds what is not committed. One half of it is shared among
// the hosts as credit (see Credit in the protocol), at most 1 MiB and at least 16
// KiB each; all are told when their share has halved or doubled. A batch is only
// uncompressed, and what it says is only unfolded to structs, when the other half
// has room for that. A host that does
// not keep to its credit gains nothing: one message is read at a time, what it
// sends beyond waits in HTTP/2's fixed window of 64 KiB, and then in its own
// socket. So the worst that a host can make the collector hold is a message of at
// most 288 KiB and that window.
//
// # Bounds
//
// A hostile host has its own connection to lose and little else: bytes per second
// and per batch, entries, lanes and message sizes are bounded before memory is
// allocated for them, a stream must say Hello and Confirm in time, a dead peer is
// noticed within 45 seconds, and a panic ends its stream alone. What breaks the
// protocol ends the stream with INVALID_ARGUMENT. Package gate bounds connections
// and handshakes.
package ingest
