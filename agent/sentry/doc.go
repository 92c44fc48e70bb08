// Package sentry keeps the detections at work on a running host: kernel audit's events
// in, by one goroutine that must never wait, detections out to another that may.
//
// # Two sides
//
// Observe, Tick and Close belong to the goroutine that reads kernel audit. They keep the
// tables of processes and sessions, name users by /etc/passwd, and hold each event
// against the rules (package detect). What is found goes into a queue, where a report
// takes the place of an earlier one of the same detection, since it has all that the
// earlier one had. The queue is bounded in number and bytes; while it is full,
// detections wait in the detector and grow, and only one that ends meanwhile is lost and
// counted. So neither a slow disk nor a storm is ever waited for.
//
// Deliver, Reload and the rest belong to whoever takes detections on. One that could not
// be delivered stays at the front of the queue. They also keep what was counted and not
// told in a file, every ten seconds while it grows: after a kill the next sentry tells
// it, as a report of the same detection that ends it. The file is of this boot, not made
// durable, and gone when nothing is in it.
//
// # Rules
//
// Seawall's own (package rules), those of the configuration's directory, a file or many
// below it, and an allow list. Affected says which names they depend on; Reload reads
// them again and gives the reader a new detector, which begins with no open detection
// and no count of a correlation: those of the old one are reported as they are. A rule
// with a fault is left out and no other. Faults are logged with file and line, and are a
// result of their own ([Check]) until they are gone; so are allowances past their last
// day.
//
// # What it costs
//
// The rules are some 4 MB of memory and 90 ms of CPU at start and at each change; an
// event that matches nothing costs 1 to 3 µs and allocates nothing.
package sentry
