// Package roster holds who may deliver: every member, in memory, checked at the
// handshake, when a stream begins and at each batch.
//
// The records are the truth and survive; the roster is loaded from them once and
// changes only after they did. A host is its certificate and the key that it is
// bound to, never what a message says. A change of standing ends the host's
// session at once, whatever it is doing.
//
// # Session numbers
//
// A key that is used from two places is noticed by a number. Each stream is given
// a new one, and the host makes it durable before it sends anything; the next
// stream presents it. Two copies of a host cannot both hold the newest number: as
// soon as one of them has confirmed a session, the other is behind when it next
// comes, and the host is quarantined. So is one whose disk was set back. A person
// decides then.
//
// An honest host may lose any reply, and may die before or after it made a number
// durable, as often as it likes. It then presents the last number that it is known
// to have, or one that was given since. So a number is three things: the generation,
// which is one more than that of the number it follows; which of the numbers of
// that generation it follows; and which try to give it this is, so that no number
// is given twice. Accepted are
//
//   - the newest number: one that follows it is given;
//   - while the newest is not confirmed, the number that it follows: the reply was
//     lost, and the next try is given;
//   - a number higher than the newest: the collector was set back to a backup, the
//     host is right, and one that follows its own is given.
//
// All else is a copy. Hosts take a number as it is and know nothing of its parts.
package roster
