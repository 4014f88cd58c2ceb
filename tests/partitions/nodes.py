"""Real nodes, each in a network namespace, and waiting for what must come true."""
import http.client
import json
import os
import subprocess
import time
from datetime import datetime

from net import dies_with_us

PATIENCE_S = float(os.environ.get("PATIENCE", "180"))
BIN = os.environ.get("TONGZHOU_BIN") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/tongzhou")
PORT = 8440


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
        time.sleep(0.25)


class Peer:
    """What `status` says of one."""

    def __init__(self, said):
        self.state, self.reason, self.failures = said["state"], said["reason"], said["failures"]
        when = said["reached"]
        self.reached = datetime.fromisoformat(when.replace("Z", "+00:00")).timestamp() if when else 0


class Node:
    def __init__(self, home, name, space, is_new=True):
        self.name, self.dir, self.space = name, os.path.join(home, name), space
        self.process = None
        self.recovery = self.dir + ".recovery"
        if is_new:
            self.run("init", "--name", name + ".example", "--class", "civil", "--recovery-out", self.recovery)
        self.origin = self.status()["operator"]

    def call(self, *words, text=""):
        return subprocess.run([*self.space.within, BIN, "-C", self.dir, *words], input=text, capture_output=True,
                              text=True, check=False)

    def run(self, *words, text=""):
        """Standard output of a command that must succeed."""
        done = self.call(*words, text=text)
        if done.returncode != 0:
            raise Broken("%s: %s ended with %d: %s" % (self.name, " ".join(words), done.returncode, done.stderr.strip()))
        return done.stdout

    def serve(self, *words):
        out, err = open(self.dir + ".out", "w"), open(self.dir + ".log", "a")
        with out, err:
            self.process = subprocess.Popen(
                [*self.space.within, BIN, "-C", self.dir, "serve", "--listen", "0.0.0.0:%d" % PORT, *words],
                stdout=out, stderr=err, preexec_fn=dies_with_us)
        until(self.name + " serves", self._is_up)

    def _is_up(self):
        self.must_live()
        with open(self.dir + ".out") as out:
            return "http://" in out.read()

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

    def peers(self):
        return {said["url"]: Peer(said) for said in self.status()["peer_list"]}

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", PORT)
        connection.sock = self.space.connect(PORT, PATIENCE_S)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()
