// Package ingest takes the spools of hosts over gRPC and gives them to a store.
//
// It speaks IngestService of proto/seawall/v1/ingest.proto. One stream carries one
// host's records:
//
//	host       Hello{protocol 1, oldest positions}
//	collector  Welcome{have, max_batch_bytes, max_in_flight_bytes}
//	host       Batch{lane, epoch, entries}   as many as fit in flight
//	collector  Ack{position}                 after the batch is durable
//	collector  Drain{within}                 when the collector stops
//
// The host is the key that the connection proved; no message can name another. A
// second stream of the same host ends the first. Records are decoded here, once.
// One that cannot be decoded is handed on as rejected and acknowledged with the
// others: a host must neither lose a record unseen nor be stopped by it.
//
// There is no queue between receiving and committing. A batch is read, the store
// makes it durable, the host is told. A store that cannot write ends the stream
// with UNAVAILABLE and nothing is acknowledged.
//
// # Bounds
//
// A hostile host has its own connection to lose and little else: bytes per second
// and per batch, entries, lanes and message sizes are bounded before memory is
// allocated for them, what all hosts have in flight together is bounded, a stream
// must say Hello in time, and a panic ends its stream alone. What breaks the
// protocol ends the stream with INVALID_ARGUMENT.
package ingest
