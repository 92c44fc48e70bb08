// Package servers reads what network servers offer to strangers: mail relays,
// proxies, resolvers, file and data servers.
//
// # How it judges
//
// A server's configuration is read as the server reads it (its includes, its
// order, its defaults) and asked a question that is not about the wording of one
// line but about what happens: would mail from a stranger to a stranger be handed
// on? Would squid's http_access let a stranger's GET through? Would named resolve
// a foreign name for a public address? A stranger comes from an address of the
// public Internet and has no password. Where a rule depends on something that is in no
// file (a table, an external program), the answer is unknown and says so.
//
// Each kind has a package below this one (mail, proxy, resolver, share, database, snmp
// and web), which holds the sources of each server's defaults. All give answer.Answer.
// Postfix, Squid and named were asked themselves about the cases in their testdata.
//
// # Which servers
//
// One that is installed (its program is there) and in use: its unit is started at
// boot, or runs now (it has a control group of systemd), or a super-server has it.
// What is installed and not in use answers nobody.
//
// # Not done here
//
// No connection is made to anything, and nothing is started. What a firewall in front
// of a server lets through is not looked at (group firewall): a server must be right
// on its own. Options of the command line count where they are in a unit's
// environment file that the distribution provides for it. Of what is beyond a bound
// stands an answer that is not known.
package servers
