"""What happens on a host reaches the dashboard outside of it."""
import os
import shutil
import subprocess
import tempfile

from machine import ROOT, Failure

CHECK = "ssh-password-authentication"
PLACE = "/etc/ssh/sshd_config.d/10-test.conf"


def plant(test, action):
    """Changes a file as login user 4242; returns when that was done, by this machine's clock."""
    return test.droplet.here(float(test.droplet.run(f"""
        python3 - <<'PYTHON'
import os, time
with open("/proc/self/loginuid", "w") as f:
    f.write("4242")
{action}
print(repr(time.time()))
PYTHON""")))


def fault(test):
    """A fault is shown with who made it, and its end too."""
    # The owner's own setting stands behind the fault, which comes first and wins.
    test.droplet.run(f"rm -f {PLACE}; echo 'PasswordAuthentication no' >/etc/ssh/sshd_config.d/20-owner.conf")
    test.droplet.eventually("the owner's setting is seen", standing("pass"))
    test.droplet.eventually("the uplink's connection", "seawall-uplink status | grep -q 'posture.* 0 waiting'")
    worst = 0.0
    for turn in range(3):
        test.droplet.measure_clock()
        mark = test.collector.mark()
        done = plant(test, f"open({PLACE!r}, 'w').write('PasswordAuthentication yes\\n')")
        when, event = test.collector.shown(mark, CHECK, "fail", 300)
        cause = event["change"]["result"]["cause"]
        if not cause or cause["auid"] != 4242 or "python3" not in cause["exe"] or cause["path"] != PLACE or not cause["serial"]:
            raise Failure(f"the finding's cause is {cause}")
        if not any(e["file"] == PLACE and e["line"] == 1 for e in event["change"]["result"]["evidence"]):
            raise Failure(f"the finding's evidence is {event['change']['result']['evidence']}")
        mark = test.collector.mark()
        mended = plant(test, f"os.remove({PLACE!r})")
        resolved, _ = test.collector.shown(mark, CHECK, "pass", 300)
        told = iso(event["change"]["result"]["time"])
        test.row(f"fault {turn + 1} → shown on the open page", when - done)
        test.row("   of it on the host, until the facts were read", test.droplet.here(told) - done)
        test.row("   of it from there to the page", when - test.droplet.here(told))
        test.row(f"mended {turn + 1} → shown on the open page", resolved - mended)
        worst = max(worst, when - done, resolved - mended)
    test.row("clocks compared to within", test.droplet.doubt)
    limit = 1.0 if test.accelerated else 15.0
    if worst > limit:
        raise Failure(f"a change was shown after {worst:.1f} s, want {limit:.0f} s")
    test.say(f"a change is shown within {worst:.2f} s, with who made it, and its end too")


def standing(status):
    """A shell's condition: the last that the host's spool has of CHECK is status."""
    return (f"seawall spool dump --spool /var/lib/seawall/spool posture | grep '\"check\":\"{CHECK}\"' | tail -n 1 | "
            f"grep -oE '\"check\":\"{CHECK}\".{{0,120}}' | tail -n 1 | grep -q '\"status\":\"{status}\"'")


def iso(text):
    """A time of the wire, as seconds since 1970."""
    import datetime
    head, _, rest = text.rstrip("Z").partition(".")
    whole = datetime.datetime.fromisoformat(head + "+00:00").timestamp()
    return whole + float("0." + (rest or "0"))


def spool(pattern, *more):
    """A shell's condition: a change in the host's spool has all the patterns."""
    return " | ".join([f"seawall spool dump --spool /var/lib/seawall/spool posture | grep '\"change\"' | grep '{pattern}'",
                       *(f"grep '{p}'" for p in more)]) + " | grep -q ."


def restarts(test):
    """A library is replaced below two services, as dpkg does it: one of another user, one in a sandbox."""
    library = "/usr/local/lib/replaced.so"
    units = ("replaced-User", "replaced-ProtectSystem")
    test.droplet.run(f"""
        cp -L /usr/lib/*/libz.so.1 {library}
        for kind in User=nobody ProtectSystem=strict; do
            unit=replaced-${{kind%%=*}}
            systemd-run -q --unit=$unit -p $kind -p Environment=LD_PRELOAD={library} sleep infinity
            for i in $(seq 60); do grep -q {library} /proc/$(systemctl show -p MainPID --value $unit)/maps && break; sleep 1; done
        done
        cp {library} {library}.new && mv {library}.new {library}
        cp -p /var/lib/dpkg/status /var/lib/dpkg/status-new && mv /var/lib/dpkg/status-new /var/lib/dpkg/status""",
                     "no library can be replaced")
    change = '"check":"patch-restart"'
    for unit in units:
        test.droplet.eventually(f"{unit} in the spool", spool(change, f'"resource":"{unit}.service"', library, '"removed":false'))
    test.droplet.run(f"systemctl restart {' '.join(units)}")
    for unit in units:
        test.droplet.eventually(f"{unit} resolved", spool(change, f'"resource":"{unit}.service"', '"removed":true'))
    test.droplet.run(f"systemctl stop {' '.join(units)}; rm {library}")
    test.say("services are named that run a replaced library, until their restart")


def updates(test):
    """A security update is published in a signed archive on the machine itself, is heard of, and is
    installed, by somebody who logged in."""
    droplet, archive = test.droplet, tempfile.mkdtemp()

    def publish(version):
        subprocess.run([os.path.join(ROOT, "scripts/repository"), archive, version], check=True)
        tar = archive + ".tar"
        subprocess.run(["tar", "-C", archive, "--exclude=gpg", "-cf", tar, "."], check=True)
        droplet.put(tar, "/root/archive.tar")
        os.remove(tar)
        droplet.run("mkdir -p /srv/archive && tar -C /srv/archive -xf /root/archive.tar")
    try:
        publish("1.0-1")
        droplet.run("""
            mkdir -p /etc/apt/keyrings
            for place in sources.list sources.list.d; do test ! -e /etc/apt/$place || mv /etc/apt/$place /root/; done
            mkdir -p /etc/apt/sources.list.d
            cp /srv/archive/key.asc /etc/apt/keyrings/test.asc
            echo 'deb [signed-by=/etc/apt/keyrings/test.asc] http://127.0.0.1:8000 bookworm-security main' >/etc/apt/sources.list.d/test.list
            systemd-run -q --unit=archive python3 -m http.server -d /srv/archive --bind 127.0.0.1 8000
            for i in $(seq 60); do curl -sf http://127.0.0.1:8000/ >/dev/null && break; sleep 1; done
            apt-get -qq update
            apt-get -qq install -y seawall-demo=1.0-1 >/dev/null 2>&1
            systemd-run -q --unit=uses-demo -p Environment=LD_PRELOAD=/usr/lib/seawall-demo.so sleep infinity""",
                    "the archive cannot be used")
        droplet.eventually("the lists known", "seawall patch | grep -q 'No security update'")
        publish("1.0-2")
        droplet.run("echo 4242 >/proc/self/loginuid; apt-get -qq update")
        demo = ('"check":"patch-security-updates"', '"resource":"seawall-demo:amd64"', '"auid":4242')
        droplet.eventually("the update in the spool", spool(*demo, '"removed":false', '"actual":"1.0-1"', '"expected":"1.0-2"'))
        droplet.run("""
            seawall patch | tee /root/screen | grep -q '^1 security update is pending' || { cat /root/screen; exit 1; }
            echo 4242 >/proc/self/loginuid
            apt-get -qq install -y seawall-demo >/dev/null 2>&1""", "seawall patch does not name the update")
        droplet.eventually("the update's installation in the spool", spool(*demo, '"removed":true', '/usr/bin/dpkg\\|/usr/bin/apt-get'))
        user = ('"check":"patch-restart"', '"resource":"uses-demo.service"')
        droplet.eventually("the library's user in the spool", spool(*user, '"removed":false', '"auid":4242'))
        droplet.run("seawall patch | grep 'restart.*uses-demo.service' && systemctl restart uses-demo",
                    "seawall patch does not name the library's user")
        droplet.eventually("the library's user resolved", spool(*user, '"removed":true'))
    finally:
        droplet.run("""
            systemctl stop uses-demo archive 2>/dev/null || true
            rm -rf /srv/archive /root/archive.tar
            apt-get -qq purge -y seawall-demo >/dev/null 2>&1 || true
            test ! -d /root/sources.list.d || { rm -rf /etc/apt/sources.list.d; mv /root/sources.list.d /etc/apt/; }
            test ! -e /root/sources.list || mv /root/sources.list /etc/apt/""")
        shutil.rmtree(archive)
    test.say("an update came with who refreshed, went with who installed it, its user after a restart")
