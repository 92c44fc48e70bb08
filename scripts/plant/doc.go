// Program plant breaks a machine, one fault at a time, by the tools that an
// administrator would use, and demands of "seawall check" that exactly the check
// that guards it fails, and that the fix it prints, pasted as it is, makes it pass
// again.
//
// It runs as root on the machine that it breaks: never on one that is needed.
// scripts/planted brings up machines for it. Its exit status is 1 when a case goes
// wrong and 2 when the cases cannot be read.
//
// # Cases
//
// A file of cases is a YAML list, in a folder with one file per family:
//
//	# accounts.yaml
//	- check: accounts-empty-password # what fails after break and passes after the fix
//	  break: passwd -d ann           # for bash
//	  resource: ann                  # optional: of the result that fails
//	  where: vm                      # optional: needs a kernel of its own; default container
//	  needs: [nginx]                 # optional: packages, installed before
//	  prepare: …                     # optional: makes the state in which the check passes
//	  cleanup: …                     # optional: undoes what prepare did
//	  with: {USER: ann}              # optional: words of the fix text that stand for something
//	  also: [other-check, tls-*]     # optional: other checks that the break is about as well
//	  fix: …                         # optional: in place of the text, where that cannot be pasted
//	  want: error                    # optional: the status after break; default fail
//	  together: sysctl               # optional: planted and looked at in one round with the others of that name
//	  once: augenrules --load        # optional: a line of the fix text that a round runs once, after all its texts
//
// A check that does not pass before the fault is fixed by its own text first. Cases
// that follow each other with the same prepare and cleanup have one of each.
package main
