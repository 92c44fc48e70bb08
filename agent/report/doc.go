// Package report renders results, changes and facts for people and for programs.
//
// For people: grouped by family, the worst first; each finding with what was
// found, what is expected, where it stands and how to fix it. Findings of one
// check on several resources (pending packages, host keys) share one heading and
// one fix. Everything that came from the host is escaped for the terminal, so a
// file name cannot move the cursor or forge a line. Colour is the caller's choice.
//
// For programs: JSON, one object, with the names of package finding.
package report
