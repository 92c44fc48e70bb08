// Package apt reads what apt knows, from apt's own files and without apt: which
// sources are configured, what their Release files say, which versions their
// package lists offer.
//
// It does what apt does with the same files, in these parts:
//
//   - Sources: sources.list (one line each, [options], comments, quoting) and
//     deb822 .sources (Enabled, Types, Architectures and its -Add and -Remove).
//     [Source.Lists] gives the file names under which apt keeps the lists, so that
//     what a removed or disabled source left on disk is never read.
//   - Release and InRelease: who a source is ([Release]). apt verified the
//     signature before it put the file there; it is not verified again.
//   - Package lists: plain, lz4, gz, xz, zst and bz2, as a stream ([ScanList]).
//   - Phasing: whether an update is deferred on this machine ([Deferred]).
//
// Which of the versions apt would install is package pin's matter, apt.conf that of
// package conf.
//
// All input is bounded: configuration by the caller's reading, stanzas by
// deb822.DefaultLimit, decompressed lists by [MaxList].
package apt
