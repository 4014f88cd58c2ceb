"""Network namespaces joined by links that are cut one by one.

A namespace lives as long as the process that was started in it, and that one ends when this one does, whatever ends it: nothing
has a name in the system, so nothing is left behind.
"""
import ctypes
import os
import signal
import socket
import subprocess
import time

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1
_HOME = os.open("/proc/self/ns/net", os.O_RDONLY)
NOBODY = "02:00:00:00:00:01"  # the address of no card: what is sent there is lost without a word

CUTS = ("down", "far down", "hole", "one way")


def dies_with_us():
    """For preexec_fn."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _setns(fd):
    if _libc.setns(fd, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns: " + os.strerror(ctypes.get_errno()))


class Space:
    """A network namespace of its own."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "-n", "sh", "-c", "ip link set lo up && echo && exec cat"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       preexec_fn=dies_with_us)
        self.within = ["nsenter", "-t", str(self.holder.pid), "-n", "--"]
        if self.holder.stdout.readline() != b"\n":
            why = self.holder.stderr.read().decode().strip()
            self.end()
            raise OSError("no network namespace: " + why)
        self.fd = os.open("/proc/%d/ns/net" % self.holder.pid, os.O_RDONLY)

    def ip(self, *words):
        done = subprocess.run([*self.within, "ip", *words], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise OSError("ip %s: %s" % (" ".join(words), done.stderr.strip()))

    def connect(self, port, timeout):
        """A connection of this process to a program in there."""
        _setns(self.fd)
        try:
            sock = socket.socket()
        finally:
            _setns(_HOME)
        sock.settimeout(timeout)
        sock.connect(("127.0.0.1", port))
        return sock

    def end(self):
        self.holder.kill()
        self.holder.communicate()


class Link:
    """Between two nodes' namespaces. `cut` is None, or how and since when (the world's time, seconds)."""

    def __init__(self, number, a, b, nodes=()):
        self.ends, self.nodes = (a, b), nodes
        self.card = "link%d" % number
        self.addresses = ("10.97.%d.1" % number, "10.97.%d.2" % number)
        self.cut = None
        a.ip("link", "add", self.card, "type", "veth", "peer", "name", self.card, "netns", str(b.holder.pid))
        for space, address in zip(self.ends, self.addresses):
            space.ip("addr", "add", address + "/30", "dev", self.card)
            space.ip("link", "set", self.card, "up")

    def _lost(self, end, is_lost):
        """Is what this end sends lost?"""
        words = ("replace", self.addresses[1 - end], "lladdr", NOBODY, "nud", "permanent") if is_lost else \
            ("del", self.addresses[1 - end])
        self.ends[end].ip("neigh", *words, "dev", self.card)

    def _set(self, how, is_cut):
        if how in ("down", "far down"):
            self.ends[how == "far down"].ip("link", "set", self.card, "down" if is_cut else "up")
        if how in ("hole", "one way"):
            self._lost(0, is_cut)
        if how == "hole":
            self._lost(1, is_cut)

    def sever(self, how):
        """down, far down: the card of one end is off, as with a pulled plug. hole: packets vanish. one way: those of end 0."""
        self._set(how, True)
        self.cut = (how, time.time())

    def mend(self):
        self._set(self.cut[0], False)
        self.cut = None


def impossible():
    """Why there are no namespaces here, or None."""
    spaces = []
    try:
        spaces = [Space(), Space()]
        link = Link(1, *spaces)
        for how in CUTS:
            link.sever(how)
            link.mend()
    except OSError as why:
        return str(why)
    finally:
        for space in spaces:
            space.end()
    return None
