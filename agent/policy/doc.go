// Package policy evaluates checks over facts. A check is data: YAML with
// expressions in CEL (cel.dev), which can neither loop forever nor touch the
// host. Built-in checks and a user's own have one format and one loader.
//
// Package format reads the files and documents the format; package expr is the
// language of the expressions.
//
// # Strictness
//
// A key that does not exist, an expression over a field that does not exist, a
// wrong type, a variable of a group that needs does not name: each is an error
// with file, line and column, and nothing is loaded. Of a trusted source (what is
// built in, which the tests type whole) the expressions are read when they are first
// needed, and one that is wrong is an error of its check alone.
//
// # Verdicts
//
// No path leads to pass but an assertion that was evaluated and is true. A group
// of facts that is absent makes a check not applicable; one that could not be
// asked makes it unknown, one that is broken makes it error, each with the
// reader's reason. A list with nothing in it is unknown unless the check says
// otherwise. An evaluation that fails, or costs more than its limit, is error.
// The other checks go on.
//
// A list that is not all there is lets nothing pass: one that the reader left
// something out of (Meta.Partial) and that over, let or pass name, or one with more
// than 4,096 elements to judge. What fails in it fails; in place of a pass, and beside
// the results of each, stands unknown with how many more there are. So it does where a
// check has more than 1,000 results: the worst are listed.
//
// # What is evaluated
//
// Checks are chosen by id, by family and by profile. One that an override switched
// off is not among them, and who asks for it by name is told where that is said. What
// somebody decided to live with is not known here: package waiver marks the results.
package policy
