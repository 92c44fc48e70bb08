// Package rulefile reads detection rules in the Sigma format, version 2: rules about
// one event and correlation rules about several.
//
// # What is read
//
// A file holds one or more YAML documents, each a rule with a detection or with a
// correlation. Fields of a rule that this package does not know are kept in
// sigma.Rule.Custom, as the specification allows them; an unknown modifier, condition or
// field of a correlation is an error, for there the meaning would change.
//
// A detection's selection is a map (all must hold), a list of maps (one must hold)
// or a list of keywords (one must be somewhere in the event). Text is compared
// without regard to case, by Unicode's simple folding; "*" stands for any text and
// "?" for one character, a backslash before them or before itself takes away that
// meaning. null is a field that the event does not have, "" one that is empty: these
// differ. A number or truth value is compared as the text it is written as.
//
// Modifiers, applied from left to right:
//
//	contains startswith endswith    text before, after, around
//	all                             all values must hold and not one of them
//	neq                             none of the values holds (true too where the field is missing)
//	cased                           regard case
//	re, and after it i m s          regular expression (RE2), anywhere in the value
//	cidr                            address within a network; mapped IPv4 is IPv4
//	lt lte gt gte                   numbers: decimal, with or without fraction
//	exists                          true or false
//	fieldref                        the value of another field; with contains, startswith, endswith, cased
//	base64 base64offset             the value encoded, or its three forms inside of other encoded text
//	wide utf16le utf16be utf16      the value in UTF-16, for base64
//	windash                         a dash or slash before a word, in all five forms
//
// Refused with a word: expand (there is nothing to fill placeholders from), the time
// modifiers minute to year, and "|" in conditions (count() and near, which version 2
// replaced by correlation rules).
//
// Conditions know and, or, not, parentheses, "1 of", "any of" and "all of" with a
// name, a pattern or "them" (all but those that begin with "_"); a list of conditions
// holds if one of them does. Precedence, loosest first: or, and, not.
//
// Correlations are event_count, value_count, temporal and temporal_ordered with
// group-by, timespan (s, m, h, d), condition (gt, gte, lt, lte, eq; two of them make
// a range), aliases and generate. Newer types are refused.
//
// # Bounds
//
// Rules come from administrators, but a file may be damaged or copied from anywhere.
// Bounded are a file's size, its nodes with aliases followed, depth, rules, values,
// the length of a value, and the program of a regular expression. RE2 takes time
// linear in the text, so that an expression that never ends cannot be written.
//
// # Sources
//
// The specifications of SigmaHQ (rules 2.0, modifiers 2.1, correlation 2.0); where
// they leave something open, what pySigma does.
package rulefile
