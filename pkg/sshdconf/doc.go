// Package sshdconf reads sshd_config(5) as OpenSSH's sshd reads it, and says for
// any connection which values hold and which file and line sets each.
//
// [Load] reads the file and everything it includes, and refuses what sshd would
// refuse, with sshd's words. [Config.Effective] then applies the Match blocks of
// one connection and gives every keyword in the form of sshd -T.
// [Config.Connections] finds one example of every kind of connection that the
// configuration tells apart, so that sshd itself can be asked about each.
// [ParseDump] reads sshd's answer.
//
// What is followed to the letter:
//   - lexing: quotes, "=", comments, form feeds, letter case (sshd's strdelim for
//     the keyword and for Match, its argv_split for everything else);
//   - Include: relative to /etc/ssh, globs sorted bytewise, at most 16 deep, a
//     missing literal name is nothing, a dangling link that is matched is the end;
//   - the two readings: the global part, where "Match all" counts too, then the
//     blocks of the connection, whose values override; in each the first value of
//     a keyword wins, unless the keyword accumulates;
//   - a block in an included file ends with the file, and a file that is included
//     in a block that does not apply has no effect.
//
// What is not: host names in ListenAddress are not resolved, a group is known by
// the group file alone, and the defaults are those of OpenSSH 9.2 on Debian 12
// (package option). The real sshd is the judge wherever it can be asked.
//
// The reader is bounded in bytes, lines and files, since an Include can be built
// to explode; sshd has no such bound. Such a file is refused with [ErrLimit].
package sshdconf
