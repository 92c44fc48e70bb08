// Package rpm reads the patch level of hosts with rpm and dnf: rpm's database, and
// the metadata that dnf has in its cache.
//
// # Rule
//
// It is that of "dnf updateinfo list --security" (dnf 4: updateinfo.py and libdnf's
// Query::getAdvisoryPkgs). Of each name and architecture the newest installed
// package is looked at, and those of the running kernel too. A package is pending
// when a security advisory of an enabled repository names a newer build of the same
// name and architecture; the newest such build is the fix. An advisory for a module
// counts only while the module's name, stream and context are active: chosen in
// /etc/dnf/modules.d, or the default of a repository where nothing was chosen.
//
// Three things differ from dnf on purpose. What an exclude or a version lock keeps
// back is shown with its label, dnf hides it. Repositories without advisories are
// not "no updates": see below. And no repository is asked, so metadata is as old as
// the cache is.
//
// The candidate is what "dnf check-update" would print: the newest build on offer
// in the repositories of the best priority, without what modules or rules filter
// out. It gives the label. A candidate newer than the fix, mostly a later update of
// the same repository, has the label masked. A fix of the kernel that is installed
// and not running has the label not_running: there is nothing to install.
//
// # When the answer is unknown
//
// The vendor's repositories are those that offer packages every system of this kind
// is made of (glibc, bash, systemd, …), and those whose .repo files begin with the
// same word. Where none of them publishes advisories (CentOS Stream), or one of
// them was never fetched, the state is unknown with the repository. What a
// third party does not publish, or dnf did not fetch of it, stands in
// Facts.Sources. Metadata of any enabled repository that is there and damaged, or
// not the file that its repomd.xml names, is an error: it may be half written.
//
// # Limits
//
// Of modules, dependencies between streams are not solved. Where a stream was built
// for several contexts at once, the one that installed packages are labelled with
// counts, and without such a package all of them. Obsoleted packages and provided
// names are not followed, neither for candidates nor for filters.
package rpm
