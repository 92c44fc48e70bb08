"""The package goes, and the README is tried word for word."""
import os
import re
import subprocess

from first import SLOW
from machine import ROOT, Failure


def purge(test):
    """A removal keeps data and configuration; a purge leaves nothing."""
    droplet = test.droplet
    droplet.run("""
        systemctl stop writer 2>/dev/null || true
        rm -rf /etc/systemd/system/seawall-sensor.service.d/lives.conf /root/lives /root/life /srv/counted /etc/seawall/audit.d/counted.rules
        # What the test itself put there.
        rm -rf /etc/systemd/system/seawall-.service.d /root/seawall.deb
        systemctl daemon-reload
        auditctl -l | grep -q 'key=seawall\\|-k seawall'
        apt-get -qq remove -y seawall >/dev/null 2>&1
        if auditctl -l | grep -q 'key=seawall\\|-k seawall\\|key=counted\\|-k counted'; then exit 1; fi
        if pgrep -x seawall; then exit 1; fi; if pgrep -x seawall-uplink; then exit 1; fi
        systemctl is-active auditd
        test -e /etc/seawall/sensor.yaml -a -e /var/lib/seawall-uplink/identity.json
        getent passwd seawall seawall-sensor >/dev/null""", "remove")
    droplet.run("apt-get -qq purge -y seawall >/dev/null 2>&1", "purge")
    left = droplet.run("""
        find / -xdev \\( -path /proc -o -path /sys -o -path /var/log -o -path /var/lib/cloud -o -path /root/archive.tar \\) -prune -o -name '*seawall*' -print
        find / -xdev \\( -path /proc -o -path /sys \\) -prune -o \\( -nouser -o -nogroup \\) -print
        getent passwd | grep seawall || true
        getent group | grep seawall || true
        auditctl -l | grep -i seawall || true
        systemctl list-units --all --no-legend --plain 'seawall*' || true
        systemctl list-unit-files --no-legend 'seawall*' || true
        dpkg -l 'seawall*' 2>/dev/null | grep '^[a-z]i' || true
        ls -d /run/seawall* 2>/dev/null || true""").split("\n")
    # The repository was the owner's to add, with its key.
    left = [line for line in left if line and not re.fullmatch(
        r"/etc/apt/(keyrings|sources\.list\.d)/seawall\S*|/var/lib/apt/lists/\S*seawall\S*|/usr/share/keyrings/seawall\S*|/var/cache/apt/archives/seawall\S*", line)]
    test.row("files, users, rules and units left behind", len(left), "")
    if left:
        raise Failure("left behind:\n" + "\n".join(left))
    test.say("nothing is left behind")


def block(page, name, *values):
    """A block of code of a page of documentation, with the reader's own values."""
    return subprocess.run([os.path.join(ROOT, "scripts/blocks"), os.path.join(ROOT, page), name, *values],
                          stdout=subprocess.PIPE, text=True, check=True).stdout


def readme(test):
    """What README.md and docs/install.md tell a new user, word for word, on a machine that nobody touched:
    it becomes a collector, and a host of its own."""
    droplet = test.droplet
    if droplet.running():
        droplet.call("stop")
    droplet.call("ensure", "seawall")
    droplet.call("boot", "--from", "seawall")
    droplet.run(SLOW)
    repo = f"REPO={test.repository_address}"
    for name, values in (("repository-deb", [repo]), ("collector", ["NAME=localhost", repo]), ("host", [])):
        droplet.run(block("README.md", name, *values), f"README.md, {name}")
    droplet.run(block("README.md", "bootstrap") + "grep -q '^#cloud-config' user-data && rm user-data", "README.md, bootstrap")
    droplet.run("seawall-collector token create >/root/token\n{ " + block("README.md", "enrol", "COLLECTOR=localhost:9443") +
                "} </root/token; rm /root/token", "README.md, enrol")
    droplet.run("""
        systemctl is-active seawall-sensor seawall-uplink seawall-collector
        seawall-collector host list | grep -q connected || seawall-collector host list
        test -s /var/lib/seawall-collector/initial-password
        if journalctl -u seawall-collector --no-pager | grep -qF "$(cat /var/lib/seawall-collector/initial-password)"; then exit 1; fi
        curl -sf http://127.0.0.1:8443/readyz""", "what the README made does not work")
    droplet.eventually("every record's acknowledgement", "seawall-uplink status | grep -q 'posture.* 0 waiting'")
    version = droplet.run("dpkg-query -W -f '${Version}' seawall").strip()
    if version == "2.0.0-1":
        droplet.run(block("docs/install.md", "downgrade-deb", "VERSION=1.0.0-1") + "dpkg -s seawall | grep -q '^Version: 1.0.0-1'",
                    "docs/install.md, downgrade-deb")
        droplet.run(block("docs/install.md", "upgrade-deb") + "dpkg -s seawall | grep -q '^Version: 2.0.0-1'", "docs/install.md, upgrade-deb")
        droplet.eventually("all three after that", "systemctl is-active -q seawall-sensor seawall-uplink seawall-collector")
    test.say("README.md makes a collector and a host of it, word for word; docs/install.md goes back and forth")

