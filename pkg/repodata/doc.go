// Package repodata reads what an rpm repository publishes of itself, as it lies in
// dnf's cache: repomd.xml, the advisories (updateinfo), the packages on offer
// (primary) and the modules (modules.yaml).
//
// The files are read as streams. Nothing of an advisory or a package is kept unless
// the caller wants the package's name, so a file of 30 MB costs its decompression
// and a walk over its tags, and no more memory than a buffer.
//
// The formats are those of createrepo_c and libmodulemd. Which file a type of data
// lies in, and its checksum, is said by repomd.xml ([ParseMD], [MD.Pick]); how it
// is compressed is said by its first bytes ([Decompress]): plain, gzip, xz, zstd,
// bzip2 or zchunk, with primary also as an SQLite database in any of these.
//
// Signatures are not verified: dnf did when it put the file there, where the
// repository asks for it. [Open] compares a file with the size and the checksum in
// repomd.xml, so that a file half written, or left by another refresh, is an error
// and not a short answer.
//
// All input is bounded, in depth, in the length of a tag, of a text and of a file,
// and in the number of things it tells. A document type declaration is refused:
// only the five entities of XML and numeric ones are known.
package repodata
