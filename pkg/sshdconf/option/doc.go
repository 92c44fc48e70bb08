// Package option knows sshd's keywords: what each takes, where it may stand,
// how repeated lines add up, what holds when nothing is said, and how sshd -T
// prints it.
//
// It is OpenSSH 9.2's knowledge, as Debian 12 builds it (PAM, GSSAPI, Kerberos).
// Keywords of later releases up to 10.0 are accepted where the caller asks for
// them; their values are kept as written.
//
// A [Set] holds the values of one reading of the configuration. sshd reads it
// twice: once for the global part, once for the Match blocks that apply to a
// connection; the second set then overrides the first ([Set.Override]). Each
// value carries its [Source], which sshd itself forgets.
package option
