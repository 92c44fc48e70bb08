// Package correlate keeps the state of Sigma's correlation rules: which events that
// other rules matched belong together, and when there are enough of them.
//
// # What counts
//
// An event counts for a correlation if one of its rules matched it, in the group that
// the values of the group-by fields make (the first value of each; case counts). An
// event without one of these fields is in no group and is counted as ungrouped. Time
// is that of the events.
//
// With bounds from below only (gt, gte) a correlation fires with the event that
// reaches them, within any timespan; the group then begins anew, so that the next
// alert needs as many events again. With a bound from above (lt, lte, eq) it cannot
// be decided earlier than at the end of a timespan: the first event of a group opens
// one, and when it is over (told by a later event of the group or by Advance) the
// group is judged and forgotten. A group without an event is never judged.
//
// temporal fires when events of all rules (or as many different ones as the condition
// says) are within a timespan, temporal_ordered when they are in the order of the
// rules; events of one time are in any order. One event may be of several rules.
//
// A correlation may be about others: for them it has the event that made it fire.
// What is decided at the end of a timespan has no event, and cannot be built upon.
//
// # Late events
//
// An event that is older than the newest of its group by more than the timespan is
// dropped and counted as late. Others are sorted in. Only the times that the bound
// needs are kept, of each rule of a temporal one the last eight, so that a late event
// may miss one that was dropped before.
//
// # Bounds
//
// Each correlation has at most Limits.Groups groups, and all of them together take
// at most about Limits.Bytes. Where a new group does not fit, the one that was not
// touched for the longest time is dropped and counted, of the correlation itself or,
// where bytes are short, of that which takes most: a flood of distinct groups in one
// correlation does not displace another's. Long values of group-by fields are cut to
// a beginning and a checksum. Values that are counted are kept as checksums of 64
// bits.
//
// A Correlator belongs to one goroutine.
package correlate
