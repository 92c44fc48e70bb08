// Package stream sends what happens to other programs as it happens: changes and
// detections, and the whole state once in a while, as OCSF, ECS or OpenTelemetry logs, by
// the routes of the process that delivers messages.
//
// What is sent, and how far it got, is a row of package order. A [Runner] reads on from
// there and, in one transaction, puts what it read into
// the outbox and moves the place. So a collector that is killed at any time leaves out
// nothing and puts in nothing twice; of two collectors on one database, the one that moves
// the place from where both found it has put it in, and the other begins anew. From the
// outbox on everything arrives at least once; each parcel and each entry has an id that
// stays, so that a receiver can tell what it had.
//
// An export begins with what happens after it was made, and with the whole state if it
// sends that. It has at most twenty parcels on their way: while its route is away the
// rest waits in the timeline, and [order.Progress.Behind] says how much. What the timeline no
// longer has when its turn comes (the route was away for longer than the timeline is
// kept) is counted in [order.Progress.Lost], as is what is too large to send.
package stream
