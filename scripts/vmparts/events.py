"""No audit event is lost over restarts, upgrades and beside others; a reboot changes nothing."""
import glob
import os
import subprocess

from machine import Failure, until

# Prints how many files were made, how many events of them sensors saw, how many events were told as
# lost, and how many of them auditd wrote to its log.
ACCOUNT = """
import glob, json, os, re, subprocess
lives = {}
for name in sorted(glob.glob("/root/lives/*")) + ["/var/lib/seawall/spool/audit.json"]:
    state = json.load(open(name))["state"]
    lives[state["pid"]] = sum(n for key, n in (state["hits"] or {}).items() if key.startswith("counted"))
lost = json.loads(subprocess.run(["seawall", "audit", "gaps", "--json"], stdout=subprocess.PIPE).stdout)["left"]
serials = set()
for name in glob.glob("/var/log/audit/audit.log*"):
    for line in open(name, errors="replace"):
        if line.startswith("type=PATH") and '"/srv/counted/' in line and "nametype=CREATE" in line:
            serials.add(re.search(r"audit\\((.*?)\\)", line).group(1))
print(len(os.listdir("/srv/counted")), sum(lives.values()), lost, len(serials))
"""
FUNCTIONS = """
state=/var/lib/seawall/spool/audit.json
sensor() { systemctl show -p MainPID --value seawall-sensor; }
# reads MODE: until a sensor that runs reads so
reads() { for i in $(seq 150); do grep -q "\\"pid\\":$(sensor),\\"mode\\":\\"$1\\"" $state && return; sleep 1; done; echo "no sensor reads $1" >&2; false; }
# writes, quiet: the writer goes on; it waits, and what was seen until then is written down
writes() { systemctl kill -s CONT writer; }
quiet() { systemctl kill -s STOP writer; since=$(date +%s); for i in $(seq 90); do test $(stat -c %Y $state) -gt $((since + 10)) && return; sleep 1; done; false; }
"""
WRITER = """
import itertools, os, time
for i in itertools.count():
    os.close(os.open("/srv/counted/%d" % i, os.O_CREAT | os.O_WRONLY))
    time.sleep(0.02)
"""


def count(test):
    """Prepares counting: files made in /srv/counted are events of a rule, and what a sensor counted is kept when it ends."""
    droplet = test.droplet
    if droplet.holds("systemctl is-active -q writer"):
        return
    for name, text in ("account", ACCOUNT), ("functions", FUNCTIONS), ("writer", WRITER):
        droplet.write(f"/root/{name}", text)
    droplet.run("""
        rm -rf /root/lives /srv/counted
        mkdir -p /root/lives /srv/counted /etc/systemd/system/seawall-sensor.service.d /etc/systemd/system/auditd.service.d
        echo '-w /srv/counted -p wa -k counted' >/etc/seawall/audit.d/counted.rules
        echo 'cp /var/lib/seawall/spool/audit.json /root/lives/$(date +%s%N)' >/root/life
        printf '[Service]\\nExecStopPost=+/bin/sh /root/life\\n' >/etc/systemd/system/seawall-sensor.service.d/lives.conf
        # It would take all rules away for a moment, in which nothing is generated.
        printf '[Service]\\nExecStartPost=\\n' >/etc/systemd/system/auditd.service.d/rules.conf
        systemctl daemon-reload
        . /root/functions
        systemctl restart seawall-sensor
        for i in $(seq 100); do auditctl -l | grep -q counted && break; sleep 1; done
        auditctl -l | grep counted
        systemd-run -q --unit=writer python3 /root/writer
        sleep 1
        quiet""", "counting cannot begin")


def account(test):
    """What was counted until now: files made, events seen, events told as lost, events in auditd's log."""
    return [int(n) for n in test.droplet.run("python3 /root/account").split()]


def over(test, what, script, first="sleep 0", exact=True, beside=False):
    """Runs a script in the machine while files are made, and demands that none of the events is missing.
    The script first is run before that: what a sensor counts that is killed is not written down, though it is known."""
    before = account(test)
    test.droplet.run(". /root/functions\n" + first + "\nwrites; sleep 1\n" + script + "\nsleep 2; quiet", what)
    made, seen, lost, logged = (b - a for a, b in zip(before, account(test)))
    test.row(f"{what}: files made / events seen", f"{made} / {seen}", "")
    test.row(f"{what}: events told as lost", lost, "")
    if beside:
        test.row(f"{what}: events in auditd's log", logged, "")
        if logged != made:
            raise Failure(f"{what}: {made} files made, {logged} events in auditd's log")
    if made == 0 or exact and (seen != made or lost > 0):
        raise Failure(f"{what}: {made} events, {seen} seen, {lost} told as lost")
    if seen > made or seen + lost < made: # what was lost may be events of others
        raise Failure(f"{what}: {made} events, {seen} seen, only {lost} told as lost")
    test.say(f"{what}: of {made} events {seen} were seen, {lost} told as lost")


def audit(test):
    """As the audit daemon and beside one, over restarts, a kill, and an auditd that comes and goes."""
    droplet = test.droplet
    count(test)
    droplet.run(". /root/functions; systemctl stop auditd; reads unicast; systemctl show -p NFileDescriptorStore --value seawall-sensor | grep -qx 1")
    over(test, "restart as the audit daemon", """
        first=$(sensor); systemctl restart seawall-sensor; reads unicast; test $first != $(sensor)""")
    over(test, "kill, and auditd comes and goes", """
        sleep 2; kill -KILL $first
        until test $(sensor) != $first -a $(sensor) != 0; do sleep 1; done
        reads unicast
        systemctl start auditd || sleep 5 # an emulated sensor can be too late to give way at once: systemd starts it again
        reads multicast
        sleep 2
        systemctl stop auditd
        reads unicast""", first="first=$(sensor); kill -STOP $first", exact=False)
    install_auditd(test)


def install_auditd(test):
    """auditd is installed, as by apt, while we are the audit daemon: it gets its place."""
    folder = os.path.join(test.folder, "auditd")
    os.makedirs(folder, exist_ok=True)
    if not glob.glob(os.path.join(folder, "auditd_*.deb")):
        subprocess.run(["apt-get", "-qq", "download", "auditd"], cwd=folder, check=True)
    test.droplet.run(". /root/functions; apt-get -qq purge -y auditd >/dev/null 2>&1; rm -rf /var/log/audit; reads unicast")
    test.droplet.put(glob.glob(os.path.join(folder, "auditd_*.deb"))[0], "/root/auditd.deb")
    over(test, "apt install auditd", """
        apt-get -qq install -y /root/auditd.deb >/dev/null 2>&1
        systemctl is-active auditd >/dev/null || systemctl start auditd || { sleep 5; systemctl is-active auditd; }
        reads multicast""", exact=False)


def upgrade(test):
    """The package is upgraded from the repository, under load, and back again."""
    droplet = test.droplet
    count(test)
    test.publish("2.0.0")
    host = test.collector.host()["id"]
    droplet.run(". /root/functions; systemctl start auditd; reads multicast; apt-get -qq update")
    # An edited file of settings is kept, and nobody is asked.
    droplet.run("echo '# ours' >>/etc/seawall/sensor.yaml")
    over(test, "upgrade beside auditd", """
        first=$(sensor); apt-get -qq install -y seawall >/dev/null 2>/root/apt; reads multicast; test $first != $(sensor)
        seawall version | grep -q 2.0.0 || seawall --version | grep -q 2.0.0""", beside=True)
    droplet.run(". /root/functions; systemctl stop auditd; reads unicast")
    over(test, "downgrade as the audit daemon", """
        first=$(sensor); apt-get -qq install -y --allow-downgrades seawall=1.0.0-1 >/dev/null; reads unicast; test $first != $(sensor)""")
    droplet.run("""
        apt-get -qq install -y seawall >/dev/null
        grep -q '^# ours' /etc/seawall/sensor.yaml
        dpkg -s seawall | grep -q '^Version: 2.0.0-1'
        test -z "$(dpkg --audit)"
        systemctl start auditd || sleep 5""")
    droplet.eventually("the uplink after the upgrade", "seawall-uplink status | grep -q 'posture.* 0 waiting'")
    if test.collector.host()["id"] != host:
        raise Failure("the host is another one after the upgrade")
    gaps = test.collector.host()["gaps"]
    test.row("records of the spool that never came to the collector", gaps, "")
    if gaps:
        raise Failure(f"{gaps} records of the spool never came")


def locked(test):
    """Rules that are locked until the next boot stay as they are; everything else goes on."""
    count(test)
    test.droplet.run(". /root/functions; systemctl start auditd; reads multicast; auditctl -e 2 >/dev/null; auditctl -l >/root/rules")
    over(test, "restart with locked rules", """
        first=$(sensor); systemctl restart seawall-sensor; reads multicast; test $first != $(sensor)""", beside=True)
    test.droplet.run("""
        auditctl -l | cmp - /root/rules
        seawall audit status | tee /root/status | grep -qi 'lock\\|-e 2\\|immutable' || { cat /root/status; exit 1; }""", "the lock is not told")
    test.say("locked rules stay, the sensor goes on and says so")


def reboot(test):
    """What the check's own fix does to the boot menu counts after a reboot, and all state is kept."""
    droplet = test.droplet
    droplet.run("systemctl stop writer 2>/dev/null || true")
    host = test.collector.host()
    mark = test.collector.mark()
    for check in "audit-at-boot", "audit-backlog-limit-at-boot":
        droplet.run(f"""
            seawall explain {check} >/root/explained
            sed -n '/sed -i/p; /^ *update-grub/p' /root/explained | sed 's/^ *//' >/root/fix
            test $(wc -l </root/fix) = 2
            bash -e /root/fix >/dev/null 2>&1""", f"the fix of {check}")
    identity = "seawall-uplink status | grep -E '^(key|host|enrolment) '"
    before = droplet.run(identity)
    droplet.call("reboot", "--timeout", "420", "--wait", "ssh", timeout=480)
    droplet.run("grep -w 'audit=1' /proc/cmdline | grep -w 'audit_backlog_limit=8192'", "the new command line")
    back = until("the host is back on the dashboard", 300, lambda: test.collector.api("hosts")["hosts"][0]["presence"] not in ("offline", "silent") and test.collector.host(), 0.5)
    if back["id"] != host["id"] or back["first_seen"] != host["first_seen"]:
        raise Failure("the host is another one after the reboot")
    test.collector.shown(mark, "audit-backlog-limit-at-boot", "pass", 240)
    after = droplet.run(identity)
    if after != before:
        raise Failure(f"the identity was {before}, is {after}")
    boot_time(test)
    test.say("audit=1 audit_backlog_limit=8192 are on the command line, the host is the same, its findings went")


def boot_time(test):
    """When in the boot the sensor was ready."""
    test.droplet.eventually("the sensor after the reboot", "systemctl is-active -q seawall-sensor")
    ready = int(test.droplet.run("systemctl show -p ActiveEnterTimestampMonotonic --value seawall-sensor"))
    test.row("kernel → sensor ready, after a reboot", ready / 1e6)
