// Package page writes a look at a host as one HTML file, to be read, printed and handed
// on: whose host, held to what, the score and its formula, a summary by family, what
// failed with what was found, what is expected, where it stands and how to fix it, then
// what could not be evaluated, what is waived and until when, and what passed.
//
// The file needs nothing else: no script, no font, no picture, and a policy in its head
// forbids them, so that what a hostile host put into a result could load nothing even
// if it were markup. It is none: every value is escaped. It is light or dark as the
// reader's system is, and prints in black on white, nothing folded away.
package page
