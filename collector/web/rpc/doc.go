// Package rpc is the dashboard's API over gRPC: the service FleetService of
// proto/seawall/fleet/v1, on the dashboard's own listener, read only.
//
// A call is one question to the JSON API. The request's fields that are set become the
// parameters of a path below /api/v1, the path's own handler answers it, with all that
// stands before it, and its JSON becomes the response: fields have the same names in
// both. So a call may do what the token's request may do, and says the same; what is
// refused there is refused here, with the same sentence. Only WatchChanges has no path.
//
// Calls need an API token, in the metadata authorization, and come over TLS: agents'
// door has other names and certificates and never sees a token. Where the dashboard is
// plain http, which is on a loopback address behind a proxy, HTTP/2 is spoken without
// TLS, too.
//
// # Bounds
//
// A request has at most 8 KiB (package gate). WatchChanges has 64 streams, 8 of one user.
// None has a queue: a stream is woken by what became durable and reads the timeline from
// where it is, a page at a time, so that who reads slowly costs nothing and loses
// nothing. Who reads nothing for 30 seconds is cut off. The token is looked at again
// every 15 seconds, and with it the scope.
//
// # Resuming
//
// Each response of WatchChanges has a place, after, to go on from. Numbers of changes
// have no holes but where old ones were deleted, by retention or with their host; the
// field missing counts them. A place that no change has yet is OutOfRange: the
// collector's data was set back.
package rpc
