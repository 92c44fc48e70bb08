// Package sudoers reads sudoers files as sudo reads them, and says of every rule and
// every setting where it stands.
//
// # Format
//
// sudoers(5), and gram.y and toke.l of sudo 1.9. A backslash at the end joins lines.
// "#" starts a comment unless digits follow. A line is one of
//
//	Defaults[@HOSTS|:USERS|!COMMANDS|>RUNAS] NAME[=VALUE|+=VALUE|-=VALUE], !NAME, …
//	User_Alias|Runas_Alias|Host_Alias|Cmnd_Alias NAME = LIST [: NAME = LIST …]
//	@include FILE, @includedir DIR, #include FILE, #includedir DIR
//	USERS HOSTS = [(RUNAS[:GROUPS])] [OPTION=VALUE …] [TAG: …] COMMAND, … [: HOSTS = …]
//
// Run-as lists, options and tags hold for the commands that follow on the line, until
// others are given. A file of an included directory is passed over when its name has
// a "." or ends in "~" ([Config].Ignored).
//
// # What is not done
//
// Nothing is matched: whether a rule applies to a host name or an address, a digest,
// a regular expression, a netgroup or the time is not asked. Names in @include with
// "%h" are not found, since the host's name is not known here; that is an error.
//
// Agreement with sudo 1.9.13 was measured over 4,400 generated files with cvtsudoers:
// what it takes is read the same; of what it refuses some is taken here (a bad number
// of TIMEOUT, a backslash in the name of an alias).
//
// A line that cannot be read is an [Error] and is left out; the rest is read on, as
// sudo does since 1.9.3. Before that sudo refused the whole.
//
// # Limits
//
// 128 files deep as in sudo, 4,096 files, 4 MiB of text, 100,000 lines, 50,000
// rules. Beyond them the rest is left out with an error that says so.
package sudoers
