// Package match compiles Sigma rules to one matcher, so that the cost of an event
// hardly depends on their number.
//
// # Events
//
// A Taxonomy says which kinds of events there are and which fields each has; a rule
// is compiled for each kind that its logsource covers. An Event holds values by
// Field. A field may have several values: a test passes if one of them does. A field
// without a value is missing, which differs from an empty value.
//
// # How it works
//
// All texts that rules compare a field with go into one automaton (package literals),
// which scans each value once: texts, prefixes, suffixes and whole values, without
// regard to case. A regular expression, a pattern of several pieces or a comparison
// that regards case contributes a text that its matches must contain, and is tried
// only if the text was seen. For each rule the compiler picks a set of texts of which
// one must be seen for the rule to match, the rarest of those that would do, and an
// event has only the rules evaluated of which such a text was seen; values of fields in
// which no rule has such a text are scanned only then. Rules without one
// (all of whose tests are of numbers, networks, missing fields and the like, or
// negations) are evaluated for each event. Within a rule, tests are tried from cheap
// to dear, and each test of an event at most once for all rules.
//
// # Bounds
//
// The automaton takes time linear in the values. A regular expression sees the first
// 32 KiB of a value, or less of it if the expression is very long, and takes time
// linear in them. A Scratch keeps at most a few
// times the largest event that it has seen, and gives up buffers above 1 MiB.
//
// # Goroutines
//
// A Matcher is not changed by Match and may be shared. An Event and a Scratch belong
// to one goroutine; a Scratch belongs to one Matcher, which made it.
package match
