// Package admin serves AdminService of proto/seawall/v1/admin.proto: what a person
// does with the running collector from its own machine.
//
// The service is on a unix socket in the state folder. The folder is closed to
// others, the socket is, too, and the kernel's word on who connects is asked last:
// it must be root or the collector's own user. There is no password, since who is
// one of these can read the authority's keys.
//
// Everything goes through the running collector, so that what it holds in memory
// (tokens, who may deliver, live streams) changes with the store: a revocation ends
// a stream before the command returns. Every change is logged with the user who
// asked for it.
package admin
