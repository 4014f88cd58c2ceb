"""One seed: seven nodes, a random topology, cuts and healings, what is said meanwhile, and what must hold."""
import json
import os
import shutil
import time
from collections import Counter

from copies import Copy
from net import CUTS, Link, Space
from nodes import PORT, Broken, Node, Peer, until

NODES = 7
# A peer that falls silent is noticed after a long poll and the slowest speed's patience (PEER_LOW_SPEED_S); if only what we send
# is lost, the answer under way still comes, and the next one does not. Then the test's own asking and a busy machine.
NOTICED_S = {"down": 60, "far down": 60, "hole": 60, "one way": 90}
BUSY_S = 60
REACHED_S = 75  # a good peer's last answer, as it is written down, is not older: 20 s, a poll of 30 s, the rest as above
FAILURES_MAX = 4  # in a row: the next try is 48 s away at most (SYNC_BACKOFF_MS)
KIND = ("--kind", "culture/note", "--tlp", "clear")
UNASKED = "no peer could say"  # how far our log goes


class Said:
    """Something said: by whom, where, and whether it was taken back."""

    def __init__(self, node, index, text, is_value=False):
        self.node, self.index, self.text, self.is_value, self.is_gone = node, index, text, is_value, False


class Twin:
    """A member on no node, whose folder is cloned: both go on, and two sticks come to two sides of a split."""

    def __init__(self, node):
        self.node, self.origin = node, node.origin
        self.common, self.forked = [], False


class Scene:
    def __init__(self, home, seed, random):
        self.home, self.random = home, random
        self.marker = "s%d-%06x" % (seed, random.getrandbits(24))
        self.count = Counter()
        self.noticed = 0.0  # the longest time until a cut peer was said to fail
        self.spaces, self.nodes, self.links, self.said = [], [], [], []
        self.begun = time.time()
        self.unchecked = {}  # restarted nodes: True while they surely could ask nobody about their own logs, and may not sign
        self.twin = None

    def tell(self, what):
        """What happened when, for whoever looks into a folder that was kept."""
        with open(os.path.join(self.home, "events"), "a") as events:
            events.write("%7.2f %s\n" % (time.time() - self.begun, what))

    # ---- the world ----

    def begin(self):
        for i in range(NODES):
            self.spaces.append(Space())
            self.nodes.append(Node(self.home, "n%d" % i, self.spaces[i]))
        pairs = {(self.random.randrange(i), i) for i in range(1, NODES)}
        for _ in range(self.random.randint(0, 6)):
            pairs.add(tuple(sorted(self.random.sample(range(NODES), 2))))
        for number, (a, b) in enumerate(sorted(pairs)):
            self.links.append(Link(number, self.spaces[a], self.spaces[b], (self.nodes[a], self.nodes[b])))
        for node in self.nodes:
            node.serve("--alone")
        for node in self.nodes:
            for _, _, url in self.edges(node):
                node.run("peer", "add", url)
            for other in self.nodes:
                if other is not node:
                    node.run("follow", other.origin)
        if self.random.random() < 0.5:
            self.twin_make()
        self.work(4)
        self.quiet()

    def edges(self, node):
        """(link, the node at its other end, that one's address as it is seen from here) of each link."""
        for link in self.links:
            if node in link.nodes:
                far = 1 - link.nodes.index(node)
                yield link, link.nodes[far], "http://%s:%d" % (link.addresses[far], PORT)

    def components(self):
        left, found = list(self.nodes), []
        while left:
            part, new = [], [left[0]]
            while new:
                node = new.pop()
                part.append(node)
                new += [o for link, o, _ in self.edges(node) if not link.cut and o not in part and o not in new]
            found.append(part)
            left = [node for node in left if node not in part]
        return found

    def is_alone(self, node):
        return all(link.cut for link, _, _ in self.edges(node))

    def sever(self, links):
        how = self.random.choice(CUTS + (None,))  # None: each its own way
        for link in links:
            if not link.cut:
                link.sever(how or self.random.choice(CUTS))
                self.tell("%s to %s cut: %s" % (link.nodes[0].name, link.nodes[1].name, link.cut[0]))
                self.count["cuts"] += 1

    def mend(self, links):
        for link in links:
            if link.cut:
                link.mend()
                self.tell("%s to %s healed" % tuple(node.name for node in link.nodes))
                self.ask_now(link)
                self.count["healings"] += 1
        self.unchecked = {node: is_sure and self.is_alone(node) for node, is_sure in self.unchecked.items()}

    def ask_now(self, link):
        """A peer that failed often is asked again by itself in many minutes; a person who knows better runs `tongzhou sync`."""
        for node, address in zip(link.nodes, reversed(link.addresses)):
            url = "http://%s:%d" % (address, PORT)
            if node.peers()[url].failures > FAILURES_MAX:
                node.call("sync", url)
                self.tell("%s: sync %s" % (node.name, url))
                self.count["taken up by hand"] += 1

    def choose_cuts(self):
        style = self.random.choice(("some", "some", "split", "split", "one", "all"))
        if style == "one":
            node = self.random.choice(self.nodes)
            return [link for link, _, _ in self.edges(node)]
        if style == "split":
            side = set(self.random.sample(range(NODES), self.random.randint(2, NODES - 2)))
            return [link for link in self.links if len({self.nodes.index(n) in side for n in link.nodes}) == 2]
        return [link for link in self.links if style == "all" or self.random.random() < 0.4]

    # ---- what goes on meanwhile ----

    def work(self, acts):
        for _ in range(acts):
            node = self.random.choice(self.nodes)
            act = self.random.choice(("say", "say", "import", "erase", "rotate", "recover"))
            self.tell("%s: %s" % (node.name, act))
            getattr(self, "act_" + act)(node)
            self.count["acts"] += 1

    def sign(self, node, *words, text=""):
        """A command that signs. Its output, or None: it was refused, since nobody could say how far the log goes."""
        done = self.attempt(node, *words, text=text)
        if done and done.returncode != 0:
            raise Broken("%s: %s: %s" % (node.name, " ".join(words), done.stderr.strip()))
        return done and done.stdout

    def attempt(self, node, *words, text=""):
        """How it ended, or None if it was refused, and rightly so. With a peer it must not be, once that one answers."""
        done = node.call(*words, text=text)
        if done.returncode == 0 and self.unchecked.get(node):
            raise Broken("%s signs after a restart though it could ask nobody" % node.name)
        if node not in self.unchecked or done.returncode == 0 or UNASKED not in done.stderr:
            return done
        if self.is_alone(node):
            self.count["refused"] += 1
            return None
        return until("%s signs, now that it has peers" % node.name, lambda: self._attempt(node, words, text))

    @staticmethod
    def _attempt(node, words, text):
        done = node.call(*words, text=text)
        if UNASKED in done.stderr:
            raise Broken(done.stderr.strip())
        return done

    def text(self):
        return "%s-%08x" % (self.marker, self.random.getrandbits(32))

    def act_say(self, node):
        text = self.text() * self.random.choice((1, 1, 1, 500))
        at = self.sign(node, "publish", *KIND, "-", text=text)
        if at:
            self.said.append(Said(node, int(at.split("/")[-1]), text))

    def act_import(self, node):
        values = [self.text() + ".example" for _ in range(self.random.choice((2, 20, 300)))]
        if not self.sign(node, "import", "--tlp", "clear", "--format", "list", "-", text="\n".join(values) + "\n"):
            return
        hits = {hit["indicator"]: hit for hit in self.sweep(node, values)}
        for value in values:
            if value not in hits:
                raise Broken("%s imported %s and does not find it" % (node.name, value))
            self.said.append(Said(node, hits[value]["reported_by"][0]["index"], value, True))

    def act_erase(self, node):
        here = [said for said in self.said if said.node is node and not said.is_gone]
        if not here:
            self.act_say(node)
            return
        said = self.random.choice(here)
        done = self.attempt(node, "erase", "%s/%d" % (node.origin, said.index))
        if not done:
            return
        if done.returncode != 0 and "completed by the next write" not in done.stderr:
            raise Broken("%s: erase: %s" % (node.name, done.stderr.strip()))
        said.is_gone = True

    def act_rotate(self, node):
        self.sign(node, "rotate")

    def act_recover(self, node):
        """The log key is lost: the recovery key signs, and a next one is made."""
        following = "%s.%d" % (node.recovery, self.random.getrandbits(30))
        if self.sign(node, "rotate", "--recovery", node.recovery, "--recovery-out", following):
            node.recovery = following

    def restart(self, node):
        node.stop(is_killed=self.random.random() < 0.5)
        self.unchecked[node] = self.is_alone(node)
        node.serve()
        self.tell("%s restarted%s" % (node.name, ", alone" if self.unchecked[node] else ""))
        self.count["restarts"] += 1

    @staticmethod
    def sweep(node, values):
        done = node.call("sweep", "--json", "-", text="\n".join(values) + "\n")
        return [json.loads(line) for line in done.stdout.splitlines()]

    # ---- a member that forks by accident ----

    def twin_make(self):
        node = Node(self.home, "twin", self.spaces[0])
        self.twin = Twin(node)
        for _ in range(self.random.randint(1, 3)):
            node.run("publish", *KIND, "-", text=self.text())
        self.twin_deliver(node, self.random.choice(self.nodes))

    def twin_deliver(self, node, to):
        pack = node.dir + ".tar.zst"
        if os.path.exists(pack):
            os.remove(pack)
        node.run("pack", pack)
        to.run("unpack", pack)

    def twin_fork(self):
        """Its folder was copied, both copies go on, and two sticks travel to two sides of a split."""
        parts = self.components()
        if not self.twin or self.twin.forked or len(parts) < 2:
            return
        self.twin.common = Copy(self.random.choice(self.nodes), self.twin.origin).entries
        shutil.copytree(self.twin.node.dir, os.path.join(self.home, "clone"))
        clone = Node(self.home, "clone", self.spaces[0], is_new=False)
        for node, part in zip((self.twin.node, clone), self.random.sample(parts, 2)):
            for _ in range(self.random.randint(1, 2)):
                node.run("publish", "--alone", *KIND, "-", text=self.text())
            self.twin_deliver(node, self.random.choice(part))
            self.tell("%s unpacked at one of %s" % (node.name, " ".join(n.name for n in part)))
        self.twin.forked = True
        self.count["forks"] += 1

    # ---- what must hold ----

    def logs(self):
        """Of those who speak here: origin, and the node of its author."""
        return {node.origin: node for node in self.nodes}

    def quiet(self):
        """What was said within a component arrives everywhere in it."""
        for part in self.components():
            until("all is the same within %s" % ", ".join(node.name for node in part), lambda p=part: self._same(p))
            self.count["components"] += 1
            self.tell("quiet: %s" % " ".join(node.name for node in part))

    def _same(self, part):
        found = {node: node.members() for node in part}
        origins = list(self.logs()) + ([self.twin.origin] if self.twin and not self.twin.forked else [])
        for origin in origins:
            facts = {node: (found[node].get(origin, {}).get("size", 0), found[node].get(origin, {}).get("payloads", 0))
                     for node in part}
            most = max(facts.values())
            for node, has in facts.items():
                if has != most:
                    raise Broken("%s has %d entries and %d contents of %s, another node %d and %d" % (
                        node.name, *has, origin, *most))
        return True

    def claims(self, pairs=5):
        """No node shows or counts what it does not have; what it has is its author's; it lacks what it says to lack."""
        logs = self.logs()
        for _ in range(pairs):
            node, origin = self.random.choice(self.nodes), self.random.choice(list(logs))
            claim = node.members().get(origin, {"size": 0})
            copy, own = Copy(node, origin), Copy(logs[origin], origin)
            if copy.size < claim["size"]:
                raise Broken("%s claims %d entries of %s and serves %d" % (node.name, claim["size"], origin, copy.size))
            if copy.entries != own.entries[:copy.size]:
                raise Broken("%s has other entries of %s than its author" % (node.name, origin))
            self.count["copies"] += 1
        for node in self.nodes:
            has = node.members()
            behind = node.status()["logs_behind"]
            lacks = sum(1 for origin, author in logs.items() if author is not node and
                        author.members()[origin]["size"] > has.get(origin, {}).get("size", 0))
            lacks += bool(self.twin and self.twin.forked)
            if behind > lacks:
                raise Broken("%s says that it lacks something of %d logs, and it does of %d" % (node.name, behind, lacks))

    def touch(self):
        """Each node says of each peer whether it is in touch with it, within the program's own timeouts."""
        for node in self.nodes:
            cuts = [link.cut for link, _, _ in self.edges(node) if link.cut]
            wait = max([cut[1] + NOTICED_S[cut[0]] - time.time() for cut in cuts] + [0])
            until("%s knows whom it can reach" % node.name, lambda n=node: self._touch(n), wait + BUSY_S)
            self.tell("%s knows whom it can reach" % node.name)
        for link in self.links:
            if link.cut:
                self.noticed = max(self.noticed, time.time() - link.cut[1])
                self.count["noticed"] += 1

    def _touch(self, node):
        status, now = node.status(), time.time()
        peers = {said["url"]: Peer(said) for said in status["peer_list"]}
        if status["peers_set_aside"] or any(peer.state == "set aside" for peer in peers.values()):
            raise SystemExit("%s has set an honest peer aside: %s" % (node.name, node.run("peer", "list")))
        cut = 0
        for link, _, url in self.edges(node):
            peer = peers[url]
            late = 32 if link.cut and link.cut[0] == "one way" else 2
            cut += bool(link.cut)
            if link.cut and peer.reached > link.cut[1] + late:
                raise SystemExit("%s says that it reached %s %d s after the link was cut" % (
                    node.name, url, peer.reached - link.cut[1]))
            if link.cut and peer.state != "failing":
                raise Broken("%s, cut %s %d s ago, is said to be %s" % (url, link.cut[0], now - link.cut[1], peer.state))
            if not link.cut and (peer.state != "in touch" or peer.reason):
                raise Broken("%s, which answers, is said to be %s: %s" % (url, peer.state, peer.reason))
            if not link.cut and peer.reached < now - REACHED_S:
                raise Broken("%s, which answers, was reached %d s ago" % (url, now - peer.reached))
        told = (status["peers"], status["peers_in_touch"], status["peers_failing"])
        if told != (len(peers), len(peers) - cut, cut):
            raise Broken("status counts %d peers, %d in touch, %d failing, and %d of %d links are cut" % (
                *told, cut, len(peers)))
        return True

    def round(self, is_patient):
        self.sever(self.choose_cuts())
        self.count["rounds"] += 1
        if self.random.random() < 0.6:
            self.restart(self.random.choice(self.nodes))
        self.work(self.random.randint(2, 6))
        self.twin_fork()
        if is_patient or self.random.random() < 0.4:
            self.quiet()
        self.claims()
        if is_patient:
            self.touch()
            self.work(2)
        cut = [link for link in self.links if link.cut]
        self.mend(cut if self.random.random() < 0.5 else self.random.sample(cut, self.random.randint(0, len(cut))))
        self.work(self.random.randint(0, 2))

    # ---- the end: everything everywhere ----

    def check(self):
        self.mend(self.links)
        for node in self.nodes:
            self.act_say(node)
        self.quiet()
        self.touch()
        self.tell("all is here: compared now")
        own = {node.origin: Copy(node, node.origin) for node in self.nodes}
        for node in self.nodes:
            until("%s lacks nothing" % node.name, lambda n=node: self._lacks_nothing(n))
            for origin, log in own.items():
                self._same_copy(Copy(node, origin), log)
            node.run("verify")
            self._finds(node)
        for origin, author in self.logs().items():
            until("%s has the cosignatures of its peers" % author.name, lambda a=author: self._cosigned(a))
        self._own_words(own)
        if self.twin and self.twin.forked:
            self._frozen()
        until("what was taken back is gone", self._nowhere)

    @staticmethod
    def _lacks_nothing(node):
        status = node.status()
        if status["logs_behind"] or status["index_behind"]:
            raise Broken("%d logs behind, index %d" % (status["logs_behind"], status["index_behind"]))
        return True

    def _same_copy(self, copy, own):
        if (copy.size, copy.root, copy.entries) != (own.size, own.root, own.entries):
            raise Broken("%s has %d entries of %s, its author %d" % (copy.node.name, copy.size, own.origin, own.size))
        if copy.payloads != own.payloads:
            raise Broken("%s has not the same contents of %s as its author" % (copy.node.name, own.origin))
        self.count["copies"] += 1

    def _own_words(self, own):
        """All that was said stands in its author's log, with its content unless it was taken back."""
        for said in self.said:
            item = own[said.node.origin].payloads[said.index]
            if bool(item) == said.is_gone or (item and said.text.encode() not in item[1]):
                raise Broken("%s: entry %d: %s" % (said.node.name, said.index, "is still there" if item else "is lost"))
        self.count["said"] = len(self.said)
        self.count["erased"] = sum(said.is_gone for said in self.said)

    def _finds(self, node):
        values = [said for said in self.said if said.is_value]
        found = {hit["indicator"] for hit in self.sweep(node, [said.text for said in values])} if values else set()
        for said in values:
            if (said.text in found) == said.is_gone:
                raise Broken("%s: sweep: %s %s" % (node.name, said.text, "was erased" if said.is_gone else "is missing"))

    def _cosigned(self, author):
        copy = Copy(author, author.origin)
        members = author.members()
        for _, other, _ in self.edges(author):
            if not copy.cosigned_by(members[other.origin]["cosigner_vkey"]):
                raise Broken("none by %s" % other.name)
        return True

    def _frozen(self):
        def frozen():
            for node in self.nodes:
                word = node.members().get(self.twin.origin, {}).get("standing")
                if word != "frozen":
                    raise Broken("%s: %s" % (node.name, word))
            return True
        until("the forked log is frozen everywhere", frozen)
        for node in self.nodes:
            def has_common(n=node):
                if Copy(n, self.twin.origin).entries[:len(self.twin.common)] != self.twin.common:
                    raise Broken("%s lacks what both branches have" % n.name)
                return True
            until("the common part is everywhere", has_common)

    def _nowhere(self):
        gone = [said.text.encode() for said in self.said if said.is_gone]
        for node in self.nodes:
            for folder, _, files in os.walk(node.dir):
                for file in files:
                    path = os.path.join(folder, file)
                    try:
                        with open(path, "rb") as content:
                            data = content.read()
                    except FileNotFoundError:
                        continue  # sweep sets come and go
                    for text in gone:
                        if text in data:
                            raise Broken("%s still has %r in %s" % (node.name, text[:40], file))
        return True

    def end(self):
        try:
            for node in self.nodes:
                node.stop()
        finally:
            for node in self.nodes:
                node.stop(is_killed=True)
            for space in self.spaces:
                space.end()
