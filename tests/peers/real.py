"""Real nodes as tests in Python run them, and waiting for what must come true."""
import http.client
import json
import os
import subprocess
import time

PATIENCE_S = float(os.environ.get("PATIENCE", "180"))
BIN = os.environ.get("TONGZHOU_BIN") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/tongzhou")


class Broken(Exception):
    """What must hold does not."""


def until(what, condition, patience=None):
    """Poll until the condition returns something true. It may raise Broken to say what is lacking."""
    end = time.monotonic() + (patience or PATIENCE_S)
    while True:
        try:
            found, why = condition(), ""
        except Broken as broken:
            found, why = None, ": %s" % broken
        if found:
            return found
        if time.monotonic() >= end:
            raise Broken("did not come true: %s%s" % (what, why))
        time.sleep(0.05)


class RealNode:
    """A folder and, while it serves, a process. `within`: words in front of each command."""

    def __init__(self, home, name, within=(), is_new=True):
        self.name, self.dir, self.within = name, os.path.join(home, name), within
        self.process, self.recovery = None, self.dir + ".recovery"
        if is_new:
            self.run("init", "--name", name + ".example", "--class", "civil", "--recovery-out", self.recovery)
        self.origin = self.status()["operator"]

    def call(self, *words, text=""):
        return subprocess.run([*self.within, BIN, "-C", self.dir, *words], input=text, capture_output=True, text=True,
                              check=False)

    def run(self, *words, text=""):
        """Standard output of a command that must succeed."""
        done = self.call(*words, text=text)
        if done.returncode != 0:
            raise Broken("%s: %s ended with %d: %s" % (self.name, " ".join(words), done.returncode, done.stderr.strip()))
        return done.stdout

    def start(self, *words, before=None):
        """Serve, until an address was said; `before` runs in the new process."""
        out, err = open(self.dir + ".out", "w"), open(self.dir + ".log", "a")
        with out, err:
            self.process = subprocess.Popen([*self.within, BIN, "-C", self.dir, "serve", *words], stdout=out, stderr=err,
                                            preexec_fn=before)
        until(self.name + " serves", lambda: "http://" in self.said())

    def said(self):
        """What it has said on standard output since it serves."""
        self.must_live()
        with open(self.dir + ".out") as out:
            return out.read()

    def must_live(self):
        if self.process and self.process.poll() is not None:
            with open(self.dir + ".log") as log:
                raise SystemExit("%s ended with %s: %s" % (self.name, self.process.returncode, log.read()[-2000:]))

    def stop(self, is_killed=False):
        if not self.process:
            return
        if is_killed:
            self.process.kill()
        else:
            self.process.terminate()
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Broken("%s does not end" % self.name) from None
        finally:
            self.process = None

    # ---- what it says of itself ----

    def status(self):
        self.must_live()
        return json.loads(self.run("status", "--json"))

    def members(self):
        self.must_live()
        return {one["origin"]: one for one in map(json.loads, self.run("members", "--json").splitlines())}


def answer_of(connection, path):
    """Status and body of a GET; the connection is closed."""
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def connection_to(host, timeout=PATIENCE_S):
    return http.client.HTTPConnection(host, timeout=timeout)
