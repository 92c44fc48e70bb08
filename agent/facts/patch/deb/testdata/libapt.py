"""What libapt says of a root: one row for each installed package with a newer
version in a security pocket or a newer candidate. Columns: package, architecture,
installed, candidate, its archives, newest security version or "-"."""
import apt_pkg

apt_pkg.init_config()
apt_pkg.config.set("Dir::Cache::pkgcache", "")
apt_pkg.config.set("Dir::Cache::srcpkgcache", "")
apt_pkg.init_system()
cache = apt_pkg.Cache(None)
policy = apt_pkg.DepCache(cache).policy


def security(f):
    if f.origin == "Debian":
        return f.label == "Debian-Security"
    return f.origin in ("Ubuntu", "UbuntuESM", "UbuntuESMApps") and f.archive.endswith("-security")


def newer(v, current):
    return v and apt_pkg.version_compare(v.ver_str, current.ver_str) > 0


rows = []
for package in cache.packages:
    current = package.current_ver
    if not current:
        continue
    candidate = policy.get_candidate_ver(package)
    fix = None
    for v in package.version_list:
        if newer(v, current) and any(security(f) for f, _ in v.file_list):
            if not fix or newer(v, fix):
                fix = v
    if not fix and not newer(candidate, current):
        continue
    # File 0 of the installed version is dpkg's status, which has no label.
    origins = {f.label + ":" + f.archive for f, _ in candidate.file_list if f.label} if candidate else set()
    rows.append([package.name, current.arch, current.ver_str, candidate.ver_str if candidate else "None",
                 ",".join(sorted(origins)), fix.ver_str if fix else "-"])
for row in sorted(rows):
    print("\t".join(row))
