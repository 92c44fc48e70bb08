// Package apt reads what apt knows, from apt's own files and without apt: which
// sources are configured, what their Release files say, which versions their
// package lists offer, and which of those an upgrade would choose.
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
//   - Preferences: pins by release, origin and version, for all packages or for
//     names, globs, regular expressions ([Policy]).
//   - Phasing: whether an update is deferred on this machine ([Deferred]).
//
// It does not resolve dependencies: a candidate is what apt-cache policy shows,
// not what a solver would end with. It reads no apt.conf but the flat form of
// APT::Default-Release, and no pins by source package ("src:").
//
// All input is bounded: configuration by the caller's reading, stanzas by
// deb822.DefaultLimit, decompressed lists by [MaxList].
package apt
