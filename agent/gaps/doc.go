// Package gaps keeps account of audit events that were never seen: which serials,
// between which events, why, and what became of them.
//
// # What a missing serial means
//
// The kernel takes a serial when it begins the first record of an event (kernel/audit.c,
// audit_log_start). Records that a rule of the list exclude keeps out, and events that no
// rule of the list exit asks for, never get that far and take none: measured, a hundred
// thousand of either leave no hole. So does an event that found the kernel's queue full:
// it is counted by the kernel's own lost counter and has no serial. Every serial that is
// taken and never seen is therefore an event, or its first record, that was lost on the
// way: dropped for want of room in a socket's buffer, by the kernel's retry queue, or by
// its rate limit, or made while nobody listened.
//
// Events do not come in the order of their serials, and one whose last record was lost
// comes late. A [Tracker] keeps holes open for a while before it reports them; what comes
// after that is taken off again ([Ledger.Late]). Serials are numbers modulo 2³² and all
// comparisons are of signed differences, so that a late one is never taken for four
// thousand million lost ones.
//
// # What is kept
//
// A [Ledger] holds the last [Kept] gaps; beyond that the two oldest become one, which
// still says how many events are missing. It is written to a file of the sensor's, for
// people ("seawall audit gaps") and for the next sensor. The serial that was seen last is
// in another, a line of fixed length that is written again and again ([Mark]): a sensor
// that was killed leaves there where the next one's first gap begins.
package gaps
