// Package rpmdb reads which packages rpm has installed from rpm's own database,
// without rpm, its library, its lock, or a database library: nothing beside the
// files is created, changed or removed.
//
// It reads what the patch level needs of each package and nothing else: of a
// header of 50 KB, most of it lists of files, some hundred bytes are looked at.
// Signatures and digests of headers are not verified. Entries of rpm's own keys
// (gpg-pubkey) are not packages and are left out, as libsolv does.
//
// # Formats
//
//   - rpmdb.sqlite (rpm 4.16 and later: EL 9, Fedora): table Packages, one row
//     with the header for each package. Rows may stand only in the write-ahead log
//     beside it. The table Name, rpm's index of names, has to name the same
//     packages, or the database counts as damaged.
//   - Packages (EL 8 and before): a hash of Berkeley DB, versions 8 and 9, of
//     either byte order (db_page.h, hash.src). Records are the packages' numbers
//     and headers; number 0 holds the highest number given.
//   - Packages.db (SUSE) is ndb, which is not read: [ErrNDB].
//
// The places are /usr/lib/sysimage/rpm and /var/lib/rpm. Where both hold packages
// and are not the same by a link, the first counts: a system that has it was moved
// there.
//
// # Headers
//
// A header is two numbers, il and dl, il index entries of 16 bytes (tag, type,
// offset, count) and dl bytes of data, all big-endian (lib/header.c). What was
// added at installation stands behind the part that the package came with, and the
// last entry of a tag counts. The sum has to be the size of the record, and
// entries that are read have to lie within it.
//
// # Writers
//
// rpm may write while the files are read. What stat(2) says of the database and of
// its log must be the same before and after, and older than a tick of the kernel's
// clock before; else it is read again some times, and then the answer is
// [ErrBusy]. A rollback journal with content is ErrBusy too. Berkeley DB has no
// transactions here: between two writes of an upgrade its file can look whole and
// be in the middle of a change. So it is ErrBusy too while a process of this host
// has rpm's lock, and damaged if it has not as many records as it counts.
package rpmdb
