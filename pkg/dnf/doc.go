// Package dnf reads how dnf is configured and what its cache holds, from the files
// of dnf 4 and dnf 5 and without either: dnf.conf, the repositories' .repo files,
// variables, excludes, version locks, the state of modules, and the cache folder of
// each repository.
//
// No address is ever opened and no repository is read where it stands, a local one
// neither: what dnf last downloaded is in its cache, and that is what dnf answers
// from.
//
// Files are read as libdnf's own parser reads them, oddities included. dnf.conf
// comes after the drop-ins of dnf 5; of two repositories with one id the first
// counts. What dnf would stop at is a problem to tell, and the rest is still read.
//
// A repository's cache folder is named for its id and for the SHA-256 of its
// address (the first of metalink, mirror list and base address, variables
// replaced): 16 hex digits of it. $releasever is dnf's from the rpm database and
// here a guess from os-release; where no folder bears the address' name, those that
// bear the id are taken, the one refreshed last first.
//
// Excludes, includes and locks decide as dnf 4 does ([Config.Excluded]), locks of
// dnf 5 as its versionlock.toml says. What obsoletes a locked package is left out,
// and so is what a command line could add or take away. Whether a lock of dnf 4
// means a name or a version is told from all packages, and by dnf from those that
// its excludes leave: that differs only where they leave none of that version.
//
// Sources: dnf.conf(5), dnf-versionlock(8), dnf5-versionlock(8), dnf5-conf(5);
// libdnf's IniParser, ConfigParser and Repo::Impl::getHash; dnf's base.py and the
// plugin versionlock.py; libdnf5's versionlock_config.cpp and package_sack.cpp.
package dnf
