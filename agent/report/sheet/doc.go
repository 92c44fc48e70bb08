// Package sheet holds what one look at a host found, as every report writes it: whose
// host, held to what, when, by which version, the results with the text of their
// checks, the score, and what is different from an earlier look.
//
// It orders results as people read them: by family, the worst first, and in a family
// the results of one check and status together ([Group]). It narrows them to a
// severity ([Sheet.Least]) or to what changed ([Sheet.Compare]); the score stays that
// of the whole look. An earlier look is a report that was saved as JSON ([Read]), or
// comes from the spool (package history).
//
// All text in a sheet may come from a hostile process on the host. A writer escapes it
// for its medium, after [seawall/pkg/text.Terminal], which shows what has no glyph.
package sheet
