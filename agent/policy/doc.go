// Package policy evaluates checks over facts. A check is data: YAML with
// expressions in CEL (cel.dev), which can neither loop forever nor touch the
// host. Built-in checks and a user's own have one format and one loader.
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
//	    needs: [sshd]               # groups of facts; each is a CEL variable
//	    accept: [known, error]      # optional: states of the groups in which the check runs; default [known]
//	    applies: {if: CEL, else: TEXT}  # optional: otherwise not_applicable, because of TEXT
//	    known:   {if: CEL, else: TEXT}  # optional: otherwise unknown, because of TEXT
//	    over: CEL                   # optional: a list; what follows sees one element as `it`
//	    each: true                  # one result per element; otherwise the worst element decides
//	    item_known: {if: CEL, else: TEXT}  # optional: as known, of one element
//	    empty: {status: pass, actual: TEXT, expected: …} # optional: an empty list's result; default unknown
//	    let: {NAME: CEL}            # optional: names for what follows, in order
//	    pass: CEL                   # bool: the assertion
//	    rank: CEL                   # optional, int: among elements of one verdict the highest is the worst
//	    escalate: [{if: CEL, severity: high}]  # optional: the first that holds sets the severity
//	    resource: TEXT              # what the result is about; empty for the host itself
//	    actual: TEXT                # what was found
//	    expected: TEXT              # what would pass
//	    evidence: [CEL]             # each a place, or a list of places
//	    remediation:                # commands and lines to paste
//	      default: …
//	      rhel: …                   # by family of distribution
//
// TEXT is literal but for ${CEL}, which is replaced by the value. A place is made
// by at(FILE, LINE, TEXT), or by at(X) of a value with the fields file, line and
// raw. Besides CEL's own functions there are those of its strings, lists, sets
// and math extensions. Field names are those that "seawall facts" prints.
//
// # Strictness
//
// A key that does not exist, an expression over a field that does not exist, a
// wrong type, a variable of a group that needs does not name: each is an error
// with file, line and column, and nothing is loaded.
//
// # Verdicts
//
// No path leads to pass but an assertion that was evaluated and is true. A group
// of facts that is absent makes a check not applicable; one that could not be
// asked makes it unknown, one that is broken makes it error, each with the
// reader's reason. A list with nothing in it is unknown unless the check says
// otherwise. An evaluation that fails, or costs more than its limit, is error.
// The other checks go on.
package policy
