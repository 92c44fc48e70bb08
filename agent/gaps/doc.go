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
// people ("seawall audit gaps") and for the next sensor.
//
// Which serials were delivered is in a [Mark], a bit for each of the newest two million,
// in memory that outlives the process. A ledger says up to which serial it tells all
// (Through). So whatever a sensor did not write before it was killed, the next one knows
// which events of each gap came since ([Ledger.Agree]) and which are missing and not told
// of yet ([Mark.Holes]); nothing is read from the audit daemon's log twice.
//
// # What the numbers mean
//
// An event is delivered when whoever it was handed to has returned: its effects in that
// program's memory go with a process that is killed, but it does not count as missing. A
// missing event is told once: what is delivered and what the ledger counts have nothing in
// common, and together they are all serials there were, except that the one event that was
// being handed out at the moment of a SIGKILL may be in both. That holds for gaps shorter
// than the window; of a longer one that was being filled, the filling begins anew and its
// events may come twice. Events without a serial are counted by the kernel, in records: one
// that lost records after it had its serial was delivered in part, and each of those
// records counts there too. So that count is never too small and may be too large.
package gaps
