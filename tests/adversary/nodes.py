"""Real nodes as tests in Python run them, and waiting for what must come true."""
import http.client
import json
import os
import re
import subprocess
import time

PATIENCE_S = float(os.environ.get("PATIENCE", "120"))
BIN = os.environ.get("TONGZHOU_BIN") or os.path.join(os.path.dirname(__file__), "../../build/tongzhou")


class Broken(Exception):
    """An invariant does not hold."""


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
        time.sleep(0.03)


class Node:
    """A folder and, while it serves, a process."""

    def __init__(self, home, name):
        self.name, self.dir = name, os.path.join(home, name)
        self.process, self.url = None, None
        self.run("init", "--name", name + ".example", "--class", "civil", "--recovery-out", self.dir + ".recovery")
        self.origin = self.status()["operator"]

    def call(self, *words, text=""):
        return subprocess.run([BIN, "-C", self.dir, *words], input=text, capture_output=True, text=True,
                              check=False)

    def run(self, *words, text=""):
        """Standard output of a command that must succeed."""
        done = self.call(*words, text=text)
        if done.returncode != 0:
            raise Broken("%s: %s ended with %d: %s" % (self.name, " ".join(words), done.returncode, done.stderr.strip()))
        return done.stdout

    def serve(self):
        log, err = open(self.dir + ".out", "w"), open(self.dir + ".log", "a")
        with log, err:
            self.process = subprocess.Popen([BIN, "-C", self.dir, "serve", "--listen", "127.0.0.1:0", "--alone"],
                                            stdout=log, stderr=err)
        self.url = until(self.name + " serves", self._address)

    def _address(self):
        self.must_live()
        with open(self.dir + ".out") as out:
            found = re.search(r"http://[^/ ]+", out.read())
        return found and found[0]

    def must_live(self):
        if self.process.poll() is not None:
            with open(self.dir + ".log") as log:
                raise SystemExit("%s ended with %s: %s" % (self.name, self.process.returncode, log.read()[-2000:]))

    def stop(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise Broken("%s does not end" % self.name) from None
        self.process = None

    # ---- what it says of itself ----

    def status(self):
        return json.loads(self.run("status", "--json"))

    def members(self):
        return {one["origin"]: one for one in map(json.loads, self.run("members", "--json").splitlines())}

    def peers(self):
        """URL: (word, reason); the word is fine, remark, failed or aside."""
        words = {"SET ASIDE": "aside", "remark": "remark"}
        found = {}
        for line in self.run("peer", "list").splitlines():
            tail = re.search(r"; (SET ASIDE|remark|failed \d+ times?): (.*)$", line)
            found[line.split()[0]] = (words.get(tail[1], "failed"), tail[2]) if tail else ("fine", "")
        return found

    def memory(self):
        """The most it ever had resident, in bytes."""
        with open("/proc/%d/status" % self.process.pid) as status:
            return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1]) * 1024

    def get(self, path, timeout=PATIENCE_S):
        host = self.url.split("/")[2]
        connection = http.client.HTTPConnection(host, timeout=timeout)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()
