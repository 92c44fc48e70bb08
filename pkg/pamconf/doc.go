// Package pamconf reads PAM configurations as libpam reads them, and walks a stack as
// libpam walks it.
//
// # Format
//
// pam.d(5) and libpam/pam_handlers.c of Linux-PAM 1.5. A line is
//
//	[-]TYPE CONTROL MODULE [ARGUMENTS]
//	@include FILE                        (Debian)
//
// with TYPE auth, account, password or session, and CONTROL required, requisite,
// sufficient, optional, include, substack, or [VALUE=ACTION …]. "#" ends a line
// wherever it stands, a backslash at the end joins the next one, brackets keep blanks
// in an argument. A service's file is /etc/pam.d/NAME, else /usr/lib/pam.d/NAME; a
// type of which it has no line is that of "other". /etc/pam.conf, which counts only
// where there is no /etc/pam.d, is not read.
//
// A line that libpam does not understand is a module that always fails, here too
// ([Rule].Broken); so is an include of a file that is not there.
//
// # The walk
//
// [Stack.Run] is _pam_dispatch_aux: each module's result picks an action; "ok" and
// "done" count while nothing was bad, the first "bad" or "die" stays, a number jumps,
// "reset" goes back to where a substack began. What no action is given for is
// bad. A stack that ends undecided fails. What a module answers is the caller's word;
// nothing is loaded, and whether a module's file exists is not asked. Over 4,700
// generated configurations of pam_debug the answers were libpam's, all of them.
//
// # Limits
//
// 64 files deep, 256 files and 10,000 rules of one service.
package pamconf
