// Package accounts reads who has an account on the host: users, groups, the state
// and age of their passwords, their homes, and the defaults for new accounts.
//
// # What is read
//
// /etc/passwd, /etc/group and /etc/shadow as libc reads them (package passwd),
// /etc/login.defs and /etc/default/useradd as shadow-utils does (login.defs(5),
// useradd(8); lib/getdef.c), /etc/shells, /etc/nsswitch.conf, the files that set a
// umask, TMOUT or root's PATH for shells (/etc/profile, profile.d, bash.bashrc or
// bashrc), and of each home its mode, its owner and its dot files. When somebody was
// last logged in is read from lastlog2's database or /var/log/lastlog.
//
// # What is not
//
// Users of a directory service (LDAP, SSSD) are not listed; Directory says that
// there may be some. Shell scripts are not run: an assignment is taken as it is
// written, the last one of the files in the order in which a login shell reads
// them, and one that cannot be read so is left out.
//
// No hash and no password is kept, only the method by its prefix (crypt(5)). Lists have
// bounds; one that is cut says so (Meta.Partial).
package accounts
