// Package patchview shows the patch level of a host, as "seawall patch" prints it.
//
// For people: the verdict first, with how old the word of the vendor is, the end
// of the release's life where that is near, other updates, and what has yet to be
// restarted. Then the pending packages, those of one source package together, for
// they are one update; under a heading each for what can be installed and for what
// keeps the others back, with what to do about it. "Not known" and "broken" are
// screens of their own and never look like "nothing pending".
//
// For programs: one object, whose form docs/patch.schema.json describes. What is
// not known is null there, never 0.
//
// The package reads nothing of the host: it is given facts.
package patchview
