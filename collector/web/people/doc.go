// Package people is where people sign in and out, and where a request's visitor is
// found: by its session's cookie, or by the API token that a program sends as
//
//	Authorization: Bearer swc_…
//
// # Guessing
//
// A password is asked about only for a form that this server gave to this browser. Each
// address has few attempts, and so has each name; a browser on which a user signed in
// before carries a device cookie and has attempts of its own, so that who guesses at a
// name from everywhere does not lock out whom it belongs to. Few passwords are looked
// at at a time, and a wrong name takes as long as a wrong password.
//
// A session never begins with what the browser sent: its token is new each time, and the
// one before ends.
package people
