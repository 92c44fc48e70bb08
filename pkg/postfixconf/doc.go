// Package postfixconf reads Postfix's main.cf and master.cf as Postfix reads them:
// the parameters in force, with their places, and the services with what their -o
// options override.
//
// # Format
//
// postconf(5) and master(5): a logical line begins with a character that is not
// blank, and goes on with the lines that begin with blanks; lines that are empty or
// begin with "#" (after blanks, too) are passed over, even between them. Of a
// parameter set twice the last counts. In values, "$name", "${name}", "$(name)",
// "${name?text}", "${name:text}" and "${name?{text}:{text}}" are expanded, at most
// 20 levels deep; "$$" is a dollar. What a comparison ("${{a} == {b}?…}") gives is
// not worked out: it expands to nothing.
//
// In master.cf "-o name=value" and "-o { name = value }" override parameters for
// one service.
//
// # Not done here
//
// Parameters that a file sets neither have here the default that the caller gives,
// or in an expansion one of the few that others are made from. Values are not looked
// up in tables, and names of the host are not asked from the system.
package postfixconf
