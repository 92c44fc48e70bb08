// Package aptconf reads apt's configuration, apt.conf(5), as apt itself does, and
// remembers the file and line of every value.
//
// # Format
//
// A file is a tree of items, written flat (APT::Periodic::Enable "1";), nested
// (APT { Periodic { Enable "1"; }; };) or both. Names are told apart without
// regard to case. A later value of the same name replaces the earlier one, and a
// name that ends in "::", or a value without a name within braces, adds an item to
// a list, so that lists of several files add up. "#clear NAME;" empties an item
// and drops what is below it; "#include" reads a file or, with a slash at the end,
// a directory. Comments are //, # and /* */ outside of quotes.
//
// The parser follows ReadConfigFile in apt-pkg/contrib/configuration.cc and
// ParseQuoteWord and ParseCWord in strutl.cc, their oddities included: quotes do
// not reach over a line's end, %xx is decoded in bare words, a value of 1,024
// bytes or more is no quoted string. Its test holds it against apt-config dump.
//
// # Not done here
//
// Which files there are and in which order apt reads them is the caller's matter
// (the directory apt.conf.d first, then apt.conf), as is what a value means.
// Defaults that are compiled into apt are not known here.
package aptconf
