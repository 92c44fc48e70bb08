// Command pack makes the parts of packages that are made of other things:
//
//	pack changelog deb|rpm NAME VERSION PACKAGER <CHANGELOG.md
//	pack sbom NAME VERSION PROGRAM...
//	pack licenses CACHE GOROOT PROGRAM...
//	pack script FILE LIBRARY PACKAGE
//	pack repack DIR LEVEL FILE
//	pack settings NAME SHORT FILE PROSE <CONFIG
//	pack manual NAME SHORT <TEXT.md
//
// It reads no clock: times are those of SOURCE_DATE_EPOCH, so the same sources give
// the same bytes anywhere.
//
// changelog writes CHANGELOG.md as a Debian changelog, or as the YAML of which nfpm
// makes an rpm's. What stands under "Unreleased" belongs to the version that is packed.
//
// sbom writes the bill of materials, SPDX 2.3 in JSON, from what the Go tool put into
// the programs: modules, versions and their sums, the Go release, the revision. What a
// module's license is it does not say, since the programs do not.
//
// licenses writes the texts themselves, licenses and notices of all these modules, from
// the module cache and the Go release that the programs were built with.
//
// script puts a maintainer script together: a line "#include FILE" is replaced by that
// file of LIBRARY, and "#include package" by the one named for the package.
//
// repack writes a package into DIR with its contents compressed by xz, which makes two
// thirds of what nfpm's compressors make of two Go programs that have much in common. Of
// a deb it replaces the member data.tar; of an rpm the payload, and what its headers say
// of it: compressor, size and sums. Files of the payload get names that start with "./",
// where nfpm leaves them absolute. A signature has to come after it.
//
// settings and manual write pages of the manual's section 5: of the commented
// configuration that packages bring as FILE, after the man(7) text in PROSE; and of
// documentation in Markdown.
package main
