"""What dnf 4 itself makes of roots. Arguments: a folder for a repository, then
roots. Standard input: one package a line, "name epoch version release arch".
Prints a JSON object for each root."""
import hashlib, json, os, sys
import dnf

repo, roots = sys.argv[1], sys.argv[2:]
entry = """<package type="rpm"><name>%s</name><arch>%s</arch><version epoch="%s" ver="%s" rel="%s"/>
<checksum type="sha256" pkgid="YES">%s</checksum><summary/><description/><packager/><url/><time file="1" build="1"/>
<size package="1" installed="1" archive="1"/><location href="%s.rpm"/><format><rpm:license/></format></package>
"""
body = ""
for line in sys.stdin:
    n, e, v, r, a = line.split()
    body += entry % (n, a, e, v, r, hashlib.sha256(line.encode()).hexdigest(), hashlib.sha256(line.encode()).hexdigest())
primary = ('<?xml version="1.0" encoding="UTF-8"?><metadata xmlns="http://linux.duke.edu/metadata/common" '
           'xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="%d">%s</metadata>' % (body.count("<package"), body)).encode()
os.makedirs(repo + "/repodata", exist_ok=True)
with open(repo + "/repodata/primary.xml", "wb") as f:
    f.write(primary)
with open(repo + "/repodata/repomd.xml", "w") as f:
    f.write('<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>1700000000</revision><data type="primary">'
            '<checksum type="sha256">%s</checksum><location href="repodata/primary.xml"/><timestamp>1</timestamp>'
            '<size>%d</size></data></repomd>' % (hashlib.sha256(primary).hexdigest(), len(primary)))

for root in roots:
    if os.fork():  # dnf loads its plugins once in a process
        if os.wait()[1]:
            sys.exit(1)
        continue
    with dnf.Base() as base:
        conf = base.conf
        conf.installroot = root
        conf.config_file_path = root + "/etc/dnf/dnf.conf"
        conf.read()
        conf.reposdir = [root + "/etc/yum.repos.d"]
        conf.varsdir = [root + "/etc/yum/vars", root + "/etc/dnf/vars"]
        conf.pluginconfpath = [root + "/etc/dnf/plugins"]
        conf.cachedir = root + "/var/cache/dnf"
        conf.substitutions["arch"] = conf.substitutions["basearch"] = "x86_64"
        conf.substitutions["releasever"] = "9"
        conf.substitutions.update_from_etc("/", varsdir=conf.varsdir)
        if conf.plugins:
            # Only versionlock, and where it has no configuration (it would stop dnf) none.
            base.init_plugins(["[!v]*" if os.path.exists(root + "/etc/dnf/plugins/versionlock.conf") else "*"])
            base.pre_configure_plugins()
        base.read_all_repos()
        if conf.plugins:
            base.configure_plugins()
        base.fill_sack(load_system_repo=False)
        print(json.dumps({
            "repos": [{"id": r.id, "name": r.name, "enabled": bool(r.enabled), "folder": os.path.basename(r._repo.getCachedir()),
                       "priority": r.priority, "cost": r.cost, "hotfixes": bool(r.module_hotfixes),
                       "expire": r.metadata_expire} for r in base.repos.values()],
            "offered": sorted("%s %s-%s:%s-%s.%s" % (p.reponame, p.name, p.epoch, p.version, p.release, p.arch)
                              for p in base.sack.query().available()),
        }), flush=True)
    sys.stdout.flush()
    os._exit(0)
