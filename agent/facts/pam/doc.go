// Package pam reads how the host authenticates people: what its PAM stacks do with
// a wrong password, an empty one, a locked account, a weak new password.
//
// Lines are not searched for words: each stack is walked as libpam walks it (package
// pamconf), with the results that its modules would give in the case that is asked
// about. So a module that is there and changes nothing, because a line before it is
// sufficient or a jump goes past it, does not count.
//
// Read are /etc/pam.d (or /etc/pam.conf) and what it includes, /usr/lib/pam.d, and
// the modules' own files: security/pwquality.conf and its .d, faillock.conf,
// pwhistory.conf; pam_unix(8), pam_pwquality(8), pam_pwhistory(8), pam_faillock(8),
// pam_wheel(8). A module that is not known makes an answer that rests on it unknown.
package pam
