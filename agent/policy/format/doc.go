// Package format reads policy files: YAML, strictly, with the place of every piece
// of text, so that whoever compiles the expressions in it can say where one is
// wrong. It compiles and evaluates nothing (package policy does).
//
// # Format
//
// A file is one document:
//
//	family: ssh                     # what the ids start with
//	checks:
//	  - id: ssh-max-auth-tries      # family-setting, in the setting's own words
//	    title: …                    # what is right, in one line
//	    severity: medium            # informational, low, medium, high, critical
//	    rationale: …                # why it matters
//	    references: [CIS …]         # optional
//	    profiles: [baseline, cis-1] # optional: default [baseline]; what is in cis-1 is in cis-2
//	    needs: [sshd]               # groups of facts; each is a CEL variable
//	    accept: [known, error]      # optional: states of the groups in which the check runs; default [known]
//	    applies: {if: CEL, else: TEXT}  # optional: otherwise not_applicable, because of TEXT
//	    known:   {if: CEL, else: TEXT}  # optional: otherwise unknown, because of TEXT
//	    sound:   {if: CEL, else: TEXT}  # optional: otherwise error, because of TEXT
//	    parameters: {NAME: 7}       # optional: whole numbers that users may set, see below
//	    over: CEL                   # optional: a list; what follows sees one element as `it`
//	    each: true                  # one result per element; otherwise the worst element decides
//	    complete: {if: CEL, else: TEXT} # optional, with each: otherwise an unknown result beside those of the elements;
//	                                # what a reader says it left out of a list is so without asking
//	    item_known: {if: CEL, else: TEXT}  # optional: as known, of one element
//	    empty: {status: pass, actual: TEXT, expected: …} # optional: an empty list's result; default unknown
//	    let: {NAME: CEL}            # optional: names for what follows, in order
//	    pass: CEL                   # bool: the assertion
//	    rank: CEL                   # optional, int: among elements of one verdict the highest is the worst
//	    escalate: [{if: CEL, severity: high}]  # optional: the first that holds sets a failure's severity
//	    resource: TEXT              # what the result is about; empty for the host itself
//	    group: TEXT                 # optional: what belongs together for people, such as a source package
//	    since: CEL                  # optional, string: since when it is so, RFC 3339; "" where not known
//	    actual: TEXT                # what was found
//	    expected: TEXT              # what would pass
//	    evidence: [CEL]             # each a place, or a list of places
//	    remediation:                # commands and lines to paste
//	      default: …
//	      rhel: …                   # by family of distribution
//	    examples:                   # optional: facts in, verdict out; "seawall lint" runs them
//	      - {name: …, facts: {sshd: {…}}, want: fail, actual: …}
//
// TEXT is literal but for ${CEL}, which is replaced by the value. A place is made
// by at(FILE, LINE, TEXT), or by at(X) of a value with the fields file, line and
// raw. Besides CEL's own functions there are those of its strings, lists, sets
// and math extensions. Field names are those that "seawall facts" prints.
//
// # Parameters
//
// A parameter is a variable of all expressions of its check. A file may set those
// of any check, with or instead of checks of its own:
//
//	parameters:
//	  patch-security-overdue: {days: 14}
//
// A check or parameter that does not exist, and one that is set twice, is an error.
//
// # Overrides
//
// How a check is used is said apart from what it is. An override switches off a check
// or all of a family, or sets the severity of its failures, on hosts that have one of
// the tags (all hosts where there is none; "!web" is a host without that tag):
//
//	overrides:
//	  - {check: ssh-x11-forwarding, disable: true, hosts: [desktop], reason: …}
//	  - {check: audit, severity: low, reason: …}
//
// What names the check goes before what names its family; of several the first
// decides. A check that is switched off must be right all the same.
//
// # Profiles
//
// There are the profiles baseline, cis-1, cis-2 and image, and a file may make one
// more: the checks of those that it includes, without what it excludes, and then
// what it names. Ids and families both will do.
//
//	profile: {name: web, include: [baseline], exclude: [time], checks: [tls]}
//
// # Limits
//
// A file has at most 1 MiB and 2,000 checks, a text 4 KiB. Aliases and merges of
// YAML are refused: a check says all of itself.
package format
