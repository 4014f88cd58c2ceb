"""A peer as PROTOCOL.md section 8 describes it, with a log of its own and a trick for whatever it is asked.

A persona has a site (a port) for each victim, so that it can tell each of them something else. Without tricks it behaves
well. A trick takes the place of the answer to one class of requests: `heads`, `node`, `checkpoint`, `entries`, `payload`,
`tile`. It gets the visit and returns the body, or writes to `visit.socket` itself and returns None.
"""
import re
import socket
import threading
import time
import urllib.parse

import wire

STALL_S = 3600  # a trick that stalls does so until the victim goes away


class Visit:
    """One request on its connection."""

    def __init__(self, site, connection, path, headers):
        self.site, self.socket = site, connection
        self.path, _, query = path.partition("?")
        self.query = dict(urllib.parse.parse_qsl(query))
        self.headers = headers

    def send(self, data):
        self.socket.sendall(data)

    def answer(self, body, status="200 OK", lines=()):
        head = ["HTTP/1.1 " + status, "Content-Length: %d" % len(body), *lines]
        self.send("\r\n".join(head).encode() + b"\r\n\r\n" + body)


class Shown:
    """A log as one site shows it: the branch, how much of it is announced, and which size its checkpoint has."""

    def __init__(self, log):
        self.log = log
        self.announced = self.signed = len(log.entries)
        self.note = None  # instead of the checkpoint that its author would sign


class Site:
    def __init__(self, persona, victim):
        self.persona, self.victim = persona, victim
        self.logs, self.tricks, self.asked = {}, {}, {}
        self.tricked = []  # connections on which a trick may still be under way
        self.moved = threading.Condition()
        self.order = []  # hex of logs, ascending by when they changed
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    # ---- what it shows ----

    def show(self, log, announced=None, signed=None, note=None):
        shown = Shown(log)
        shown.note = note
        shown.signed = signed if signed is not None else shown.signed
        shown.announced = announced if announced is not None else shown.signed
        with self.moved:
            self.logs[log.hex] = shown
            self.order.append(log.hex)
            self.moved.notify_all()

    def play(self, **tricks):
        """From now on; whoever waits for heads is told so at once. What was played before comes to its end."""
        with self.moved:
            own = self.persona.log.hex
            self.logs = {own: self.logs[own]} if own in self.logs else {}
            self.order = [hex_ if hex_ == own else None for hex_ in self.order]
            self.tricks = tricks
            self.asked = {}
            self.order.append(None)
            self.moved.notify_all()
            tricked, self.tricked = self.tricked, []
        for connection in tricked:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it ended by itself

    def _lines(self, since):
        if not re.fullmatch(r"s-\d+", since) or int(since[2:]) > len(self.order):
            since = "s-0"
        last = {hex_: i for i, hex_ in enumerate(self.order) if hex_}
        changed = sorted((i, hex_) for hex_, i in last.items() if i >= int(since[2:]))
        return "".join("%s %s %d\n" % (hex_, self.logs[hex_].log.origin, self.logs[hex_].announced)
                       for _, hex_ in changed)

    def cursor(self):
        return "next s-%d\n" % len(self.order)

    # ---- honest answers ----

    def heads(self, visit):
        since = visit.query.get("since", "")
        wait = re.fullmatch(r"wait=(\d+)", visit.headers.get("prefer", ""))
        end = time.monotonic() + (min(int(wait[1]), 60) if wait else 0)
        with self.moved:
            seen = len(self.order)
            while not self._lines(since) and seen == len(self.order) and time.monotonic() < end:
                self.moved.wait(end - time.monotonic())
            if self.tricks.get("heads") and seen != len(self.order):
                return b"next s-%d\n" % seen  # the trick is played on the next request
            return (self._lines(since) + self.cursor()).encode()

    def node(self, _visit):
        return b'{"operator":"%s","tongzhou":1,"version":"0"}' % self.persona.log.origin.encode()

    def checkpoint(self, visit):
        shown = self.shown(visit)
        if not shown:
            return None
        return shown.log.checkpoint(shown.signed) if shown.note is None else shown.note

    def entries(self, visit):
        shown, tile = self.shown(visit), re.search(r"entries/([x\d/]+?)(?:\.p/(\d+))?$", visit.path)
        if not shown or not tile:
            return None
        first = wire.WIDTH * int(tile[1].replace("x", "").replace("/", ""))
        width = int(tile[2] or wire.WIDTH)
        part = shown.log.entries[first:first + width]
        return wire.bundle_write(part) if len(part) == width else None

    def tile(self, visit):
        shown, tile = self.shown(visit), re.search(r"tile/(\d+)/([x\d/]+?)(?:\.p/(\d+))?$", visit.path)
        if not shown or not tile:
            return None
        number = int(tile[2].replace("x", "").replace("/", ""))
        return wire.tile_of(shown.log.hashes, int(tile[1]), number, int(tile[3] or wire.WIDTH))

    def payload(self, visit):
        shown, number = self.shown(visit), re.search(r"payload/(\d+)$", visit.path)
        if not shown or not number:
            return None
        first = wire.WIDTH * int(number[1])
        begin = int(visit.query.get("from", first))
        return shown.log.payload_bundle(begin, int(visit.query.get("to", first + wire.WIDTH)))

    def shown(self, visit):
        return self.logs.get(visit.path.split("/")[2])

    # ---- serving ----

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = connection.makefile("rb")
        try:
            while self._turn(connection, stream):
                pass
        except OSError:
            pass  # the victim went away
        except Exception as fault:  # pylint: disable=broad-except
            self.persona.faults.append(repr(fault))
        finally:
            connection.close()

    def _turn(self, connection, stream):
        words = stream.readline(16384).decode("latin-1").split()
        headers = {}
        while (line := stream.readline(16384).decode("latin-1").strip()):
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if len(words) != 3:
            return False
        visit = Visit(self, connection, words[1], headers)
        what = self._class(visit.path)
        with self.moved:
            trick = self.tricks.get(what)
            self.asked[what] = self.asked.get(what, 0) + 1
            if trick:
                self.tricked.append(connection)
        if trick:
            body = trick(visit)
            if body is None:
                return False
        else:
            body = getattr(self, what)(visit) if what else None
        if body is None:
            visit.answer(b"", "404 Not Found")
        elif "range" in headers:
            begin, last = re.fullmatch(r"bytes=(\d+)-(\d*)", headers["range"]).groups()
            part = body[int(begin):int(last) + 1 if last else None]
            visit.answer(part, "206 Partial Content",
                         ["Content-Range: bytes %s-%d/%d" % (begin, int(begin) + len(part) - 1, len(body))])
        else:
            visit.answer(body)
        return True

    @staticmethod
    def _class(path):
        if path in ("/heads", "/node"):
            return path[1:]
        found = re.fullmatch(r"/logs/[0-9a-f]{64}/(checkpoint|payload|tile/entries|tile)(/.*)?", path)
        return found[1].split("/")[-1] if found else None


class Persona:
    def __init__(self, name, victims, random):
        self.name, self.random = name, random
        self.log = wire.Log(name, random)
        self.sites = [Site(self, victim) for victim in victims]
        self.outcome = "good"  # what the victims must think of it at the end: good or liar
        self.forked = False
        self.excused = None  # a victim that need not notice
        self.is_complete = False  # what it said is expected without another word
        self.faults = []  # of this program
        self.show()

    def show(self, **how):
        for site in self.sites:
            site.show(self.log, **how)

    def say(self, count):
        for _ in range(count):
            self.log.say("%s says %d" % (self.name, len(self.log.entries)))

    def play(self, **tricks):
        for site in self.sites:
            site.play(**tricks)
