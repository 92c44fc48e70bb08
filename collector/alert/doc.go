// Package alert says what people are told of by message, and in which words.
//
// A [Signal] is one thing that happened on one host: a check failed or is good again, a
// rule saw something, a host fell silent or came back, records were lost, its identity
// was touched. A [Rule] says which signals matter and to which routes they go. A
// [Message] is what goes out: signals of one rule that belong together.
//
// The parts:
//
//   - watch turns what the store tells into signals, matches, groups and bounds them;
//   - outbox keeps messages until they are delivered, and the log of deliveries;
//   - desk hands them to the process that has a network, which is package notify. A
//     route, with its secrets, is known there alone: here it is a name.
//
// A message is a [Parcel] on its way. It has an id for ever: a receiver that gets it
// twice (the process died after it sent and before it said so) can tell by the id.
//
// All text of a signal may come from a hostile host. It is bounded here and on one
// line, with whatever steers or reorders escaped; each route escapes for its medium.
package alert
