// Package users is the pages about the people who use the collector: one's own account
// with its password and API tokens, the users and what each may do, and the trail of
// what all of them did.
//
// One's own password is changed with the old one, and everybody's by an administrator.
// The text of a new API token is in the answer to the form that asked for it and nowhere
// else. What a user may do changes on all of that user's open pages at once: the sessions
// end. None of these pages is for programs: what a token may do about users is package accounts.
package users
