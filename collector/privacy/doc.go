// Package privacy says what the collector is told of hosts and people, and makes it
// forget a person's name.
//
// # What is collected
//
// [Collected] is made from the messages that hosts send, as their schema has them. A
// field that is new in the schema is in the list with it; a test fails until somebody
// has said whether its text can name a person.
//
// # To forget a person
//
// [User] takes a name out of all that hosts told: out of the timeline, the standing
// results and the detections, wherever it stands as a word in a text. In its place is
// [Forgotten]. Then it looks through all of that once more and says how much was left:
// nothing, or there is an error. The host keeps its own word: what it says again, with
// its next change or whole state, comes again. So the account is removed on the host
// first.
//
// The views that the dashboard's user of that name saved go as a whole: they are the
// name's own, and no more than addresses.
//
// The audit trail and the accounts of the dashboard are not hosts' word. The trail is
// never altered: it says who did what with the collector, for as long as that is kept.
package privacy
