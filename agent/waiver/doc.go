// Package waiver holds what the owners of a host have decided to live with: failures
// that somebody answers for, with a reason and until a day.
//
// # Format
//
// A file is one document of YAML:
//
//	waivers:
//	  - check: ssh-x11-forwarding   # the check's id
//	    resource: "user *"          # optional: what the result is about; * is any text, ? any character; default all
//	    owner: ann@example.com      # who answers for it
//	    reason: The desktop team works over X11 until the move.
//	    expires: 2027-03-31         # the last day, UTC; at most a year ahead
//
// An unknown key, a missing one, a check that does not exist, and a day that is more
// than a year ahead is each an error with its place, and nothing is loaded.
//
// # What a waiver does
//
// A failure that one covers has the status waived. Nothing else of the result is
// changed, so that what was found, its severity and where it stands are there still,
// and the evidence has one more place: the waiver's own, with owner, reason and day.
// After its last day the failure is a failure again, and the evidence says whose
// waiver ended when. Nothing but a failure is ever waived: what is not known, or
// could not be evaluated, is not known to be what somebody agreed to.
package waiver
