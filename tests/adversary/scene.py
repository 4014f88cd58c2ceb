"""One seed: honest nodes, an adversary of several personas among their peers, and what must hold throughout."""
import base64
import json
import os
import re
import threading
import time

import wire
from attacks import ATTACKS
from copies import Copy, checkpoint
from nodes import Broken, Node, until
from persona import Persona

HEALTH_S = 5.0  # /healthz answers within, at any moment
MEMORY_MAX = 224 << 20  # bytes: answers of all peers (PEERS_MEMORY_MAX), one more (32 MiB), and a node that does its work
ROUNDS = 3


class Watch(threading.Thread):
    """Asks each node for its health all the time, and keeps what checkpoints it shows."""

    def __init__(self, nodes):
        super().__init__(daemon=True)
        self.nodes, self.over = nodes, threading.Event()
        self.slowest, self.broken, self.shown, self.asked = 0.0, None, set(), 0

    def run(self):
        try:
            while not self.over.wait(0.05):
                for node in self.nodes:
                    self._look(node)
        except (Exception, SystemExit) as why:  # pylint: disable=broad-except
            self.broken = why

    def _look(self, node):
        node.must_live()
        begun = time.monotonic()
        status, body = node.get("/healthz", timeout=HEALTH_S)
        took = time.monotonic() - begun
        self.slowest = max(self.slowest, took)
        if status != 200 or body != b"ok\n" or took > HEALTH_S:
            raise Broken("%s: /healthz answered %d after %.2f s" % (node.name, status, took))
        self.asked += 1
        if self.asked % 10 == 0:
            for origin, _ in heads(node):
                note = checkpoint(node, origin)
                if note:
                    self.shown.add((node.name, origin, wire.note_parse(note)[0]))

    def end(self):
        self.over.set()
        self.join()
        if self.broken:
            raise Broken("watch: %s" % self.broken)


def heads(node):
    """(origin, size) of each log that a node says it serves."""
    found, cursor = [], ""
    while True:
        status, body = node.get("/heads" + cursor)
        if status != 200:
            raise Broken("%s: /heads: status %d" % (node.name, status))
        *lines, last = body.decode().splitlines()
        found += [(line.split()[1], int(line.split()[2])) for line in lines]
        if not last.startswith("more "):
            return found
        cursor = "?since=" + last.split()[1]


class Truth:
    """All branches that their author's key has signed: what may be shown."""

    def __init__(self):
        self.branches = {}  # origin: list of Log

    def add(self, log):
        self.branches.setdefault(log.origin, []).append(log)

    def holds(self, origin, size, root):
        return any(size <= len(log.hashes) and wire.root_of(log.hashes[:size]) == root
                   for log in self.branches.get(origin, ()))


class Scene:
    def __init__(self, home, seed, random, only=None):
        self.random, self.only = random, only
        self.marker = "%d-%08x" % (seed, random.getrandbits(32))
        self.truth = Truth()
        self.gone = []  # texts that were withdrawn
        self.tried = []
        count = random.choice((2, 2, 3))
        self.honest = []
        self.watch = None
        self.personas = []
        for name in ["honest", *["victim%d" % i for i in range(count)]]:
            self.honest.append(Node(home, name))
        self.victims = self.honest[1:]

    # ---- what attacks ask for ----

    def cosigner_of(self, node):
        vkey = node.members()[node.origin]["cosigner_vkey"]
        return wire.vkey_read(vkey)[1]

    @staticmethod
    def log_of(node):
        """A branch of an honest node's log to go on from, without its keys."""
        log, copy = wire.Log.__new__(wire.Log), Copy(node, node.origin)
        log.origin, log.hex, log.entries, log.payloads = node.origin, wire.hex_of(node.origin), copy.entries, copy.payloads
        log.hashes, log.said = [wire.leaf(entry) for entry in copy.entries], set()
        return log

    def wait_size(self, persona, log):
        def same():
            for victim in self.victims:
                found = victim.members().get(log.origin, {})
                if found.get("size") != len(log.entries):
                    raise Broken("%s has %s of %d entries of %s" % (victim.name, found.get("size"), len(log.entries),
                                                                   persona.name))
            return True
        until(persona.name + " is mirrored", same)

    def wait_contents(self, persona):
        self.wait_size(persona, persona.log)

        def whole():
            for victim in self.victims:
                held = Copy(victim, persona.log.origin).payloads
                lacking = [i for i in sorted(persona.log.said) if not held[i]]
                if lacking:
                    raise Broken("%s lacks the contents of entries %s" % (victim.name, lacking[:9]))
            return True
        until("all contents of %s are there" % persona.name, whole)

    # ---- acts ----

    def begin(self):
        for node in self.honest:
            node.serve()
        for node in self.honest:
            for other in self.honest:
                if node is not other:
                    node.run("peer", "add", other.url)
        for i in range(self.random.randint(2, 5)):
            persona = Persona("evil%d.example" % i, self.victims, self.random)
            self.personas.append(persona)
            self.truth.add(persona.log)
            for site in persona.sites:
                site.victim.run("peer", "add", site.url)
        self.watch = Watch(self.honest)
        self.watch.start()

    def honest_work(self):
        """What goes on meanwhile, and must arrive."""
        for node in self.honest:
            act = self.random.choice(("say", "say", "import", "erase", "rotate"))
            if act == "say":
                node.run("publish", "--kind", "culture/note", "--tlp", "clear", "-", text="true %d" % self.random.getrandbits(60))
            elif act == "import":
                lines = "".join("h%d.honest.example\n" % self.random.getrandbits(60)
                                for _ in range(self.random.choice((3, 40, 400))))
                node.run("import", "--tlp", "clear", "--format", "list", "-", text=lines)
            elif act == "erase":
                text = "withdrawn-%d" % self.random.getrandbits(60)
                at = node.run("publish", "--kind", "culture/note", "--tlp", "clear", "-", text=text).split()[-1]
                self.gone.append(text)
                self.erase(node, at)
            else:
                node.run("rotate")

    @staticmethod
    def erase(node, at):
        """Done, or done with the next write since others read at the moment: in the end it must be gone in either case."""
        done = node.call("erase", at)
        if done.returncode != 0 and "completed by the next write" not in done.stderr:
            raise Broken("%s: erase: %s" % (node.name, done.stderr))

    def round(self):
        playing = []
        for persona in self.personas:
            if persona.outcome != "good" or persona.forked:
                continue
            persona.play()
            persona.say(self.random.randint(0, 3))
            persona.show()
            if self.random.random() < 0.5:
                self.wait_size(persona, persona.log)  # it behaves well for a while
            name = self.only or self.random.choice(sorted(ATTACKS))
            self.tried.append(name)
            persona.excused, persona.is_complete = None, False
            ATTACKS[name][2](persona, self)
            playing.append((persona, name))
        self.honest_work()
        for persona, name in playing:
            try:
                self.settle(persona, name)
            except Broken as why:
                raise Broken("%s by %s: %s" % (name, persona.name, why)) from why

    def settle(self, persona, name):
        outcome, reason, _ = ATTACKS[name]
        for site in persona.sites:
            if outcome == "liar" and site.victim is not persona.excused:
                self.wait_word(site, "aside", reason)
            elif outcome == "failing":
                self.wait_word(site, "failed", reason)
            elif outcome in ("nothing", "stalled"):
                until("%s asks %s" % (site.victim.name, persona.name), lambda s=site: s.asked)
        if outcome == "liar":
            persona.outcome = "liar"
            if self.random.random() < 0.4:
                self.forgive(persona)
        elif outcome == "forked":
            self.wait_frozen(persona)
        elif outcome == "race":
            self.arrived()
            self.forgive(persona)
        else:
            if persona.is_complete:
                self.wait_contents(persona)
            persona.play()
            persona.say(1)
            persona.show()
            self.wait_size(persona, persona.log)
            persona.show()  # as a node does when there is more of its contents to be had
            for site in persona.sites:
                self.wait_word(site, "fine|remark", "")

    def forgive(self, persona):
        """A person takes it back, and it has mended its ways."""
        persona.play()
        persona.say(1)
        persona.show()
        for site in persona.sites:
            site.victim.call("sync", site.url)
        persona.outcome, persona.excused = "good", None
        self.wait_size(persona, persona.log)

    @staticmethod
    def wait_word(site, word, reason):
        def said():
            found, why = site.victim.peers()[site.url]
            if re.fullmatch(word, found) and re.search(reason, why):
                return True
            raise Broken("%s says %s: %s" % (site.victim.name, found, why or "no reason"))
        until("%s is %s" % (site.persona.name, word), said)

    def wait_frozen(self, persona):
        def frozen():
            for node in self.honest:
                found = node.members().get(persona.log.origin, {}).get("standing")
                if found != "frozen":
                    raise Broken("%s: %s" % (node.name, found))
            return True
        until(persona.name + " is frozen everywhere", frozen)

    # ---- the end ----

    def check(self):
        for persona in self.personas:
            persona.play()
            if persona.faults:
                raise Broken("the adversary itself: %s" % persona.faults)
        self.arrived()
        for persona in self.personas:
            if persona.outcome == "good" and not persona.forked:
                self.wait_contents(persona)
        logs = {node.origin: self.log_of(node) for node in self.honest}
        for log in logs.values():
            self.truth.add(log)
        for node in self.honest:
            for origin, _ in heads(node):
                self.check_copy(node, origin, logs.get(origin))
            node.run("verify")
            self.check_peers(node)
            memory = node.memory()
            if memory > MEMORY_MAX:
                raise Broken("%s had %d MB resident" % (node.name, memory >> 20))
        self.watch.end()
        for name, origin, text in self.watch.shown:
            _, size, root = text.decode().splitlines()
            if not self.truth.holds(origin, int(size), base64.b64decode(root)):
                raise Broken("%s showed a checkpoint of %s at %s that nobody signed" % (name, origin, size))
        self.check_gone()

    def arrived(self):
        """Every honest log is whole everywhere."""
        def whole():
            sizes = {node.origin: node.members()[node.origin] for node in self.honest}
            for node in self.honest:
                found = node.members()
                for origin, own in sizes.items():
                    one = found.get(origin, {})
                    if (one.get("size"), one.get("payloads")) != (own["size"], own["payloads"]):
                        raise Broken("%s has %s entries, %s contents of %s, which has %d, %d" % (
                            node.name, one.get("size"), one.get("payloads"), origin, own["size"], own["payloads"]))
                    if one["standing"] != "good":
                        raise Broken("%s: %s is %s" % (node.name, origin, one["standing"]))
            return True
        until("honest logs are everywhere", whole)

    def check_copy(self, node, origin, own):
        copy = Copy(node, origin)
        if copy.size == 0:
            return
        if not self.truth.holds(origin, copy.size, copy.root):
            raise Broken("%s shows %s with a root that its author never signed" % (node.name, origin))
        if any(b"forged" in text for item in copy.payloads if item for text in item) or any(
                b"forged" in entry for entry in copy.entries):
            raise Broken("%s shows what was forged in %s" % (node.name, origin))
        if own and [bool(item) for item in copy.payloads] != [bool(item) for item in own.payloads]:
            raise Broken("%s does not have all contents of %s" % (node.name, origin))
        self.check_cosignatures(node, copy)

    def check_cosignatures(self, node, copy):
        for other in self.honest:
            if wire.signed_by(copy.signatures, other.origin, wire.COSIGNATURE, self.cosigner_of(other), copy.text) is False:
                raise Broken("%s passes on a cosignature of %s that does not hold" % (node.name, other.name))

    def check_peers(self, node):
        peers, status = node.peers(), node.run("status")
        for other in self.honest:
            if other is not node and peers[other.url][0] not in ("fine", "remark"):
                raise Broken("%s says of honest %s: %s" % (node.name, other.name, peers[other.url]))
        for persona in self.personas:
            for site in persona.sites:
                if site.victim is not node or persona.excused is node or persona.outcome != "liar":
                    continue
                word, reason = peers[site.url]
                if word != "aside" or not reason or "%s: set aside: " % site.url not in status:
                    raise Broken("%s says of the liar %s: %s %s" % (node.name, persona.name, word, reason))
        if json.loads(node.run("status", "--json"))["peers_set_aside"] != sum(w == "aside" for w, _ in peers.values()):
            raise Broken("%s counts its peers wrongly" % node.name)

    def check_gone(self):
        def nowhere():
            for node in self.honest:
                for folder, _, files in os.walk(node.dir):
                    for file in files:
                        if not os.path.isfile(os.path.join(folder, file)):
                            continue
                        with open(os.path.join(folder, file), "rb") as content:
                            data = content.read()
                        for text in self.gone:
                            if text.encode() in data:
                                raise Broken("%s still holds %s in %s" % (node.name, text, file))
            return True
        until("what was withdrawn is gone", nowhere)

    def end(self):
        if self.watch:
            self.watch.over.set()
        for node in self.honest:
            node.stop()
