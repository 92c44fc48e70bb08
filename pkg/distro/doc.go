// Package distro knows operating system releases: what os-release(5) says, which
// family a distribution belongs to, and until when its vendor supports a release.
//
// # The table
//
// life.tsv is built in. Its first line dates it; each row has a release, the last
// day of standard support, the last day and the kind of extended support, and
// where the dates come from. A table older than [TableLife] is not believed, and
// a release in none of the sources has no known life: ignorance is never "still
// supported".
//
// # Several sources
//
// A release may say itself when its support ends (SUPPORT_END, a plan of the day
// it was built), and distro-info brings dates with the vendor's own updates. Where
// sources differ by less than [ConflictDays] the latest counts: they mean the same
// day differently. Where they differ by more the table counts, else the earliest,
// and the conflict is told.
//
// Everything here is a function of its arguments; the present time is one of them.
package distro
