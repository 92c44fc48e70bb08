"""The machine under test: a Droplet on this machine, run by scripts/droplet/droplet-vm."""
import os
import re
import subprocess
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
PROGRAM = os.environ.get("DROPLET", os.path.join(ROOT, "scripts/droplet/droplet-vm"))


class Failure(Exception):
    """What was demanded is not so."""


def say(text):
    print(f"vmtest: {text}", flush=True)


def until(what, seconds, condition, pause=0.2, alive=lambda: None):
    """Waits until condition() is true, and returns what it returned."""
    end = time.monotonic() + seconds
    while True:
        got = condition()
        if got:
            return got
        alive()
        if time.monotonic() >= end:
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(pause)


class Droplet:
    """One virtual machine. Times that it returns are seconds since 1970 by this machine's clock."""

    def __init__(self, name="seawall-vmtest"):
        self.environment = dict(os.environ, DROPLET_VM=name, DROPLET_QUIET="1", DROPLET_TIMEOUT="600",
                                DROPLET_TTL="3600")
        self.offset = self.doubt = 0.0

    def call(self, *arguments, timeout=900):
        got = subprocess.run([PROGRAM, *arguments], env=self.environment, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=timeout, text=True,
                             errors="replace", check=False)
        if got.returncode:
            raise Failure(f"droplet-vm {arguments[0]}: exit {got.returncode}\n{got.stdout[-3000:]}")
        return got.stdout

    def run(self, script, what=None, timeout=600):
        """Runs a bash script as root, as one that ends at its first error; returns what it printed."""
        got = subprocess.run([PROGRAM, "run", "--timeout", str(timeout), "bash", "-c", "set -eu\n" + script],
                             env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             stdin=subprocess.DEVNULL, timeout=timeout + 30, text=True, errors="replace", check=False)
        if got.returncode:
            raise Failure(f"{what or script.strip()}: exit {got.returncode}\n{got.stdout[-3000:]}{got.stderr[-3000:]}")
        return got.stdout

    def holds(self, condition):
        """Whether a shell's condition is true in the machine."""
        try:
            self.run(condition)
        except Failure:
            return False
        return True

    def eventually(self, what, condition, seconds=280):
        """Waits in the machine, which may be an emulated one and slow, until a condition is true."""
        self.run(f"for i in $(seq {seconds}); do if {condition}; then exit 0; fi; sleep 1; done; exit 1",
                 f"{what}: not within {seconds} s: {condition}", seconds + 120)

    def put(self, source, target):
        self.call("copy", source, f"vm:{target}")

    def write(self, path, text):
        """Writes a file in the machine."""
        local = f"/tmp/.vmtest-{os.getpid()}"
        with open(local, "w", encoding="utf-8") as f:
            f.write(text)
        try:
            self.put(local, path)
        finally:
            os.remove(local)

    def running(self):
        return '"running":true' in subprocess.run(
            [PROGRAM, "status"], env=self.environment, stdout=subprocess.PIPE, text=True, check=False).stdout

    def acceleration(self):
        found = re.search(r'"accel":"(\w+)', self.call("status"))
        return found.group(1)

    def measure_clock(self):
        """How far the machine's clock is ahead of this one's: of thirty questions the one that was
        answered soonest, whose answer is wrong by half its way at most."""
        command = "exec python3 -uc 'import sys, time\nfor line in sys.stdin: print(repr(time.time()))'"
        with subprocess.Popen([PROGRAM, "run", command], env=self.environment, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True, bufsize=1) as clock:
            best = None
            for _ in range(30):
                before = time.time()
                clock.stdin.write("\n")
                theirs = clock.stdout.readline()
                after = time.time()
                if not theirs:
                    raise Failure("the machine does not tell its time")
                if best is None or after - before < best[0]:
                    best = (after - before, float(theirs) - (before + after) / 2)
            clock.stdin.close()
        self.doubt, self.offset = best[0] / 2, best[1]
        return self.offset

    def here(self, theirs):
        """A time of the machine's clock, by this machine's."""
        return theirs - self.offset
