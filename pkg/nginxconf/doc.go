// Package nginxconf reads nginx's configuration as nginx reads it: files, includes
// and blocks, with the file and line of every directive.
//
// [Load] returns the directives as a tree in which an include is replaced by what
// it includes, which is how nginx itself works. Which value holds in a block is
// left to the reader of the tree: most directives are inherited from the block
// around where the block itself has none ([Directive.All], [Directive.Get]).
//
// # Format
//
// ngx_conf_read_token (src/core/ngx_conf_file.c) decides: words are divided by
// blanks and ended by ";" or "{"; "#" begins a comment only where a word would
// begin; a quote counts only as the first character of a word; a backslash keeps
// the next character from ending the word, and vanishes before a quote, a backslash
// and the letters t, r and n, which are then a tab, a return and a new line; "${"
// does not open a block. A block of Lua code ("…_by_lua_block {") is skipped.
//
// Names of included files are relative to the directory of the first file.
// Patterns are expanded as glob(3) does; a pattern may match nothing, but a plain
// name must exist. nginx refuses a configuration for many more reasons than syntax:
// only those of syntax and of files are seen here, in its words.
//
// # Limits
//
// A configuration has at most 4,096 files, 16 MiB, 200,000 directives, 16 levels of
// includes and 32 of blocks; nginx has no such bounds. More is [ErrLimit].
package nginxconf
