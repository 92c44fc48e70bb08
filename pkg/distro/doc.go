// Package distro knows operating system releases: what os-release(5) says, which
// family a distribution belongs to, and until when its vendor supports a release.
//
// # The table
//
// life.tsv is built in, and a package installs it as [TableFile] too, so that a
// newer package brings newer dates: the table of the later day counts. Its first
// line dates it; each row has, divided by tabs, a release's id and version, the
// last day of standard support, the last day and the kind of extended support (LTS
// is free; Pro, ELS and Extended are bought), where the dates come from, the
// release to upgrade to and by which tool. A table older than [TableLife] is not
// believed, and a release in none of the sources has no known life: ignorance is
// never "still supported".
//
// Upgrades go one step at a time, as the vendors support it. "new" stands for a
// release that its vendor does not upgrade in place.
//
// # Several sources
//
// A release may say itself when its support ends (SUPPORT_END, a plan of the day
// it was built), and distro-info brings dates with the vendor's own updates. Where
// sources differ by less than 90 the latest counts: they mean the same
// day differently. Where they differ by more the table counts, else the earliest,
// and the conflict is told.
//
// Everything here is a function of its arguments; the present time is one of them.
package distro
