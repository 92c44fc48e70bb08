// Package triage keeps what people decide about findings: who looks after one, what was
// noted about it, and what somebody answers for until a day (a waiver).
//
// # Two axes
//
// What a host said and what people say of it are kept apart. Nothing here changes a
// result, a count or the timeline: a waiver is laid over results when they are looked
// at, so that both numbers can be shown, before and after waivers, and its end needs
// nobody to do anything: from that moment the results stand there as before.
//
// # Life
//
// A finding is one result that is bad: of one check and one resource, on one host. It
// is new until somebody has looked at it, then open. One that was good in between is
// reopened, and counted; whoever looked after it before does so still, but has to look
// again. Good again it is resolved, for as long as the host tells of that result. The
// table life, which the store writes in the transaction that has the result, says how
// often that happened.
//
// # Waivers
//
// A waiver names a check, perhaps a resource, and one host, the hosts with a tag, or
// all of them. Tags are those that an administrator or a token gave: a host must not be
// able to waive its own findings by what it says of itself. It has an owner, a reason
// and an end, at most a year away. It can be ended before, and is never altered or
// deleted: it says later what was decided, by whom.
package triage
