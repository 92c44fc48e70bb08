// Package lineconf reads configuration files in which a line is a setting: a key and
// its value, perhaps in sections, perhaps with includes. Squid, Redis, Samba, rsync,
// dnsmasq, vsftpd, Unbound, Net-SNMP, MariaDB, PostgreSQL and many more have such
// files, each with its own small differences, which a [Dialect] holds.
//
// The package does not know what a key means, and refuses no text: what is no
// setting is a line with a key alone. Who asks knows the defaults, and whether the
// first or the last of two lines counts.
//
// # Format
//
// Lines end in "\n" or "\r\n". A dialect says which characters begin a comment where a
// line begins (Comment) or anywhere after a blank (Inline), what divides key and
// value (Assign, besides blanks), and whether a backslash at the end joins lines
// (Fold) and names in brackets begin sections (Sections). Args are the value's words;
// quotes hold words together and a backslash in double quotes keeps the next
// character.
//
// # Includes
//
// Dialect.Include returns the patterns that a line includes, absolute names or
// patterns as glob(3) takes them. The lines of included files stand where the
// including line stood, which itself is kept. A file that includes itself is read
// once for each chain, and not inside of itself.
//
// # Limits
//
// A configuration has at most 1,000 files of 1 MiB each, 8 MiB, 100,000 lines and 16
// levels of includes. More is ErrLimit: half a configuration could say the opposite
// of the whole.
package lineconf
