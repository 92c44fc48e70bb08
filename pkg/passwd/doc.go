// Package passwd reads /etc/passwd, /etc/group and /etc/shadow as glibc's "files"
// service reads them (nss/nss_files/files-parse.c), and says which lines that
// service passes over.
//
// # Format
//
// A line is fields between colons: passwd(5) name, password, number, group, comment,
// home, shell; group(5) name, password, number, members; shadow(5) name, password,
// six numbers of days, flag. Leading blanks go, a line that is empty or starts with
// "#" is a comment. Numbers are strtoul's: blanks and a sign before them are
// allowed, and what is beyond 32 bits is 4294967295. A number that is none makes the
// line void, a missing last field does not. An entry whose name starts with "+" or
// "-" is for the service "compat" and for no other.
//
// # Secrets
//
// A password field is classified and dropped at once: a [Password] has its state and
// the method of its hash (crypt(5)), never a byte of it.
package passwd
