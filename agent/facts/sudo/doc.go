// Package sudo reads who may become whom by sudo, and what sudo asks before.
//
// The sudoers files are read as sudo reads them (sudoers(5); package sudoers has
// the grammar): @include and @includedir and their older forms, aliases, tags that
// last until the next, Defaults with their scopes, in order. Groups are those of
// the host's own files. What is set in LDAP or by a plugin of sudo.conf is not
// read. No command is run: visudo is not asked.
package sudo
