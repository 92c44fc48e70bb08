"""The collector outside of the machine, as its package has it, and its dashboard as a browser sees it."""
import http.client
import http.cookiejar
import http.server
import json
import os
import re
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request

from machine import Failure, until


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def kept(name, make):
    """A text that the next call finds again: what make returned when there was none."""
    if not os.path.exists(name):
        with open(name, "w", encoding="utf-8") as f:
            f.write(make())
    with open(name, encoding="utf-8") as f:
        return f.read()


def serve(folder, name):
    """Serves a folder on this machine's loopback, at the port that the file name has, and returns it."""
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=folder)

        def log_message(self, *_):
            pass

    port = int(kept(name, lambda: str(free_port())))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return port


class Collector:
    """A running collector, somebody who is signed in, and all that an open page was told."""

    def __init__(self, program, folder):
        self.program, self.state = program, os.path.join(folder, "state")
        self.log = os.path.join(folder, "collector.log")
        os.makedirs(self.state, mode=0o700, exist_ok=True)
        ports = kept(os.path.join(folder, "ports"), lambda: f"{free_port()} {free_port()}")
        self.ingest, self.dashboard = (int(p) for p in ports.split())
        self.process = None
        self.cookies = http.cookiejar.CookieJar()
        self.web = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        self.lock = threading.Lock()
        self.told = []  # (time of arrival, event) of the open page's stream

    def start(self):
        first = not os.path.exists(os.path.join(self.state, "collector.db"))
        password = os.path.join(self.state, "password")
        if not first:
            subprocess.run([self.program, "reset-password", "--state-dir", self.state, "--password-file", password],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [self.program, "--state-dir", self.state, "--ingest", f"127.0.0.1:{self.ingest}",
                 "--dashboard", f"127.0.0.1:{self.dashboard}", "--password-file", password], stdout=log, stderr=log)
        until("the collector is ready", 60, self.ready, alive=self.alive)
        with open(password, encoding="utf-8") as f:
            self.sign_in(f.read().strip())
        threading.Thread(target=self.listen, daemon=True).start()

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(30)

    def alive(self):
        if self.process.poll() is not None:
            with open(self.log, encoding="utf-8") as f:
                raise Failure(f"the collector ended: {f.read()[-2000:]}")

    def ready(self):
        try:
            return self.web.open(f"http://127.0.0.1:{self.dashboard}/readyz", timeout=5).status == 200
        except OSError:
            return False

    def command(self, *arguments):
        """What the collector's own command prints."""
        got = subprocess.run([self.program, *arguments, "--state-dir", self.state], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        if got.returncode:
            raise Failure(f"seawall-collector {' '.join(arguments)}: exit {got.returncode}\n{got.stderr}")
        return got.stdout

    def sign_in(self, password):
        address = f"http://127.0.0.1:{self.dashboard}/login"
        form = self.web.open(address, timeout=30).read().decode()
        found = re.search(r'name="?form"? value="?([^">]+)', form)
        if not found:
            raise Failure("the page to sign in has no form")
        data = urllib.parse.urlencode({"form": found.group(1), "password": password, "next": "/"}).encode()
        request = urllib.request.Request(address, data, {"Origin": f"http://127.0.0.1:{self.dashboard}",
                                                         "Sec-Fetch-Site": "same-origin"})
        self.web.open(request, timeout=30)
        self.api("overview")

    def api(self, path):
        with self.web.open(f"http://127.0.0.1:{self.dashboard}/api/v1/{path}", timeout=30) as answer:
            return json.load(answer)

    def listen(self):
        """Notes what the stream of an open page brings, and when."""
        link = http.client.HTTPConnection("127.0.0.1", self.dashboard, timeout=60)
        link.request("GET", "/events", headers={
            "Cookie": "; ".join(f"{c.name}={c.value}" for c in self.cookies)})
        stream, event = link.getresponse(), ""
        while True:
            line = stream.readline()
            now = time.time()
            if not line:
                return
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "event":
                event = value
            elif name == "data" and event == "change":
                with self.lock:
                    self.told.append((now, json.loads(value)))

    def mark(self):
        """The present end of what was told."""
        with self.lock:
            return len(self.told)

    def host(self):
        """The only host there is, or None."""
        hosts = self.api("hosts")["hosts"]
        if len(hosts) > 1:
            raise Failure(f"{len(hosts)} hosts are enrolled, want 1")
        return hosts[0] if hosts else None

    def shown(self, mark, check, status, seconds, wanted=lambda change: True):
        """Waits until the open page shows that check has status; returns when, and the event."""
        def look():
            with self.lock:
                news = list(self.told[mark:])
            for when, brief in news:
                if brief["check"] == check and brief["status"] == status:
                    event = self.event(brief["id"])
                    if event and wanted(event["change"]):
                        return when, event
            return None
        return until(f"{check} is shown as {status}", seconds, look, 0.1, self.alive)

    def event(self, number):
        for event in self.api(f"timeline?before={int(number) + 1}")["events"]:
            if event["id"] == int(number):
                return event
        return None
