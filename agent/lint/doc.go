// Package lint checks files of checks before a host is held to them: it types every
// expression, as loading does, and runs the examples that a check carries, which
// loading does not.
//
// # Examples
//
//	examples:
//	  - name: an old kernel
//	    facts:                     # groups with some of their fields; the rest is empty
//	      system: {id: debian, life: {state: ended}}
//	    want: fail                 # the verdict, of several results the worst
//	    actual: Debian 9           # optional: what that result says it found
//
// The groups that the check needs are known unless the example says otherwise, by
// meta: {state: absent, reason: TEXT}. Field names are those of "seawall facts"; one
// that does not exist is a problem with its place. An example is evaluated by the
// same code as a host.
//
// # What is printed
//
// One line for each thing: file:line:column: what. Problems mean that the file would
// not load; a failed example that it says something else than its author thinks; a
// warning (a check without examples) changes no exit status.
package lint
