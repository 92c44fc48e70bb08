"""What libapt says of roots: one row for each installed package with a newer
version in a security pocket or a newer candidate. Columns: package, architecture,
installed, candidate, its archives, newest security version or "-", what apt does
with it ("hold", "deferred" by phasing, or "-").

Each line of standard input is the name of an apt.conf that says where a root is,
or empty for this host; each answer ends with a line that holds only a dot."""
import os
import sys

import apt_pkg


def security(f):
    if f.origin == "Debian":
        return f.label == "Debian-Security"
    return f.origin in ("Ubuntu", "UbuntuESM", "UbuntuESMApps") and f.archive.endswith("-security")


def newer(v, current):
    return v and apt_pkg.version_compare(v.ver_str, current.ver_str) > 0


def answer(conf):
    if conf:
        os.environ["APT_CONFIG"] = conf
    apt_pkg.init_config()
    apt_pkg.config.set("Dir::Cache::pkgcache", "")
    apt_pkg.config.set("Dir::Cache::srcpkgcache", "")
    apt_pkg.init_system()
    cache = apt_pkg.Cache(None)
    depcache = apt_pkg.DepCache(cache)
    policy = depcache.policy
    candidates, installed = {}, {}
    for package in cache.packages:
        if package.current_ver:
            candidates[package.id] = policy.get_candidate_ver(package)
            installed[package.name] = installed.get(package.name, 0) + 1
    depcache.upgrade(True)
    rows = []
    for package in cache.packages:
        current = package.current_ver
        if not current:
            continue
        candidate = candidates[package.id]
        fix = None
        for v in package.version_list:
            if newer(v, current) and any(security(f) for f, _ in v.file_list):
                if not fix or newer(v, fix):
                    fix = v
        if not fix and not newer(candidate, current):
            continue
        # File 0 of the installed version is dpkg's status, which has no label.
        origins = {f.label + ":" + f.archive for f, _ in candidate.file_list if f.label} if candidate else set()
        does = "-"
        if package.selected_state == apt_pkg.SELSTATE_HOLD:
            does = "hold"
        elif installed[package.name] == 1 and newer(candidate, current) and not depcache.marked_upgrade(package):
            does = "deferred"
        rows.append([package.name, current.arch, current.ver_str, candidate.ver_str if candidate else "None",
                     ",".join(sorted(origins)), fix.ver_str if fix else "-", does])
    for row in sorted(rows):
        print("\t".join(row))


for line in sys.stdin:
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        try:
            answer(line.strip())
            sys.stdout.flush()
            os._exit(0)
        except BaseException as e:
            print("error:", e, file=sys.stderr)
            os._exit(1)
    if os.waitpid(child, 0)[1] != 0:
        sys.exit("libapt does not answer about " + line)
    print(".", flush=True)
