// Package rsyslogconf reads the configuration of rsyslogd, in all three of its
// languages, as a flat list of what it says.
//
//   - Directives of old: "$FileCreateMode 0640".
//   - Selectors: "auth,authpriv.*  /var/log/auth.log", filters of properties
//     (":msg, contains, "x"  ~"), and actions that go on with "&".
//   - RainerScript: objects such as module(load="imtcp"), input(…), action(…), in
//     rulesets, behind conditions, in blocks.
//
// Conditions are not evaluated: an action counts wherever it stands, since who reads
// this asks what can happen. Each item knows the ruleset it is in. Includes
// ($IncludeConfig, include(file=…)) are followed in place, their patterns expanded.
// The text of include(text=…), and what backticks would take from the environment or
// a program, is not known: an item of kind KindUnknown stands for it.
//
// The grammar is that of rsyslog 8, grammar/lexer.l and grammar.y. Where a text is
// not what rsyslogd takes it says so, and the rest of it is left out; here the rest
// of the line is.
package rsyslogconf
