// Package bindconf reads named.conf(5), the configuration of BIND 9, as a tree of
// statements with their places.
//
// # Format
//
// lib/isccfg/parser.c decides: statements end in ";" and are words and blocks in
// braces; comments are "#", "//" and "/* */"; strings in double quotes keep a
// character after a backslash. An "include" is replaced by the statements of the file,
// wherever it stands; names are as the daemon sees them, whose directory is "/" when
// it reads them. Keywords are in lower case here, since named does not tell the
// difference.
//
// What a keyword means, and which are known, is left to whoever asks. named refuses
// a configuration for many more reasons than syntax.
//
// # Limits
//
// A configuration has at most 1,000 files of 4 MiB, 16 MiB together, 300,000
// statements, 16 levels of includes and 32 of blocks. More is ErrLimit.
package bindconf
