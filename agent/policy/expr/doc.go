// Package expr is the language of checks: CEL (cel.dev) over Go structs, with the
// functions and the limits that checks have. It can neither loop forever nor touch
// the host.
//
// # Late compilation
//
// An [Expr] is compiled when it is first evaluated, or when somebody asks whether
// it compiles. A run of checks thus pays for what this host needs, and whoever loads
// a file of a user's asks for everything. The type of a variable may be that of
// another expression, which then is compiled before.
//
// # Trust
//
// Typing is a third of the work. Expressions of a trusted [Scope] are not typed:
// they were, by the tests of the package that holds them, which then evaluate them
// as they run, untyped. A value of another type than is wanted is an error when it
// is evaluated. What is typed right has the same value untyped; a fuzz test holds it.
//
// # What it costs
//
// One environment of functions serves all expressions; a scope adds names to it and
// nothing else. The parser is the smaller of the two that cel-go has, at a tenth of
// the cost of the generated one. A small expression takes some tens of microseconds.
// Two expressions with one text in scopes of the same variables are one program.
//
// # Functions
//
// Besides CEL's own there are the strings, lists, sets and math extensions, and the
// macros at(FILE, LINE, TEXT) and at(X), which make a finding.Evidence, of a value
// with the fields file, line and raw the latter.
package expr
