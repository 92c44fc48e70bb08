// Package apacheconf reads the configuration of Apache's httpd as httpd reads it:
// files, includes, conditions and sections, with the file and line of every
// directive.
//
// [Load] returns the directives as a tree. An Include is replaced by what it
// includes, and the conditions that httpd decides while it reads (IfModule,
// IfDefine, IfVersion, IfFile) are replaced by what stands in them, or by nothing.
// Names of directives and sections are in lower case, since httpd does not tell
// the difference.
//
// # Format
//
// server/config.c and ap_getword_conf (server/util.c) decide: one directive a line,
// a backslash before the line's end joins the next one, "#" begins a comment only
// at the beginning; words are divided by blanks or stand in quotes, in which a
// backslash keeps a quote or a backslash. "${NAME}" is what Define, or else the
// environment, gives NAME; an unknown one stays as it is written. The environment
// is that of the file envvars beside the first file (Debian), read as far as plain
// assignments go.
//
// Names are relative to ServerRoot, at first the directory of the first file (on
// RHEL the one above). Patterns may stand for files and directories, and a
// directory for everything below it; the order is bytewise. Include must find
// something, IncludeOptional need not.
//
// A module is there when LoadModule has named it so far or when the distributions
// build it in; mod_NAME.c is taken for the source of a file mod_NAME.so. IfVersion
// compares with 2.4.66, whatever the version; IfDirective and IfSection hold.
//
// # Not done here
//
// Macros (mod_macro) are not expanded: their uses are in [Tree].Uses. .htaccess
// files are not read. httpd refuses a configuration for many more reasons than
// syntax; only those of syntax and of files are seen here, much in its words.
//
// # Limits
//
// A configuration has at most 4,096 files, 16 MiB, 200,000 directives, 20 levels
// of includes and 32 of sections. More is [ErrLimit].
package apacheconf
