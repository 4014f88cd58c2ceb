"""What an adversary tries. Each attack ends in one of these outcomes, which the run waits for:

    liar     it said what cannot be true: set aside at every victim, with that reason
    failing  it did not give what it has: named as failing with that reason, asked again, and complete once it behaves
    nothing  odd, and no lie: nobody is blamed, everything goes on
    stalled  it answers never or as good as never: nobody waits for it; good again when the attack ends
    race     whoever asks it first sees a lie, whoever is late sees nothing: all is well in either case
    forked   its log is proven to have two branches, and frozen everywhere
"""
import json
import struct
import time

import persona as players
import wire

FLOOD_S = 20  # between two floods: they are to be borne, and not to take all of the machine that the test runs on
ATTACKS = {}  # name: (outcome, reason as a regular expression, function(persona, world))


def attack(outcome, reason=""):
    def put(function):
        ATTACKS[function.__name__] = (outcome, reason, function)
        return function
    return put


def marked(world):
    """Text that must never be shown by a victim."""
    return "forged %s" % world.marker


def new_entries(persona):
    """Something to pull, so that the tricks are asked for."""
    persona.say(persona.random.randint(1, 5))


# ---- lies ----


@attack("liar", "root|entry 0")
def entry_altered(persona, world):
    new_entries(persona)
    text = marked(world).encode()

    def entries(visit):
        shown, body = visit.site.shown(visit), visit.site.entries(visit)
        if shown.log is not persona.log or not body:
            return body
        part = wire.bundle_read(body)
        part[-1] = (part[-1][:20] + text + part[-1])[:len(part[-1])]
        return wire.bundle_write(part)
    persona.play(entries=entries)
    persona.show()


@attack("liar", "payload of entry")
def payload_altered(persona, world):
    new_entries(persona)
    text = marked(world).encode()

    def payload(visit):
        items = wire.payloads_read(visit.site.payload(visit))
        out = b""
        for item in items:
            if item is None:
                out += bytes(4)
            else:
                body = item[1] + text
                out += struct.pack(">I", 32 + len(body)) + item[0] + body
        return out
    persona.play(payload=payload)
    persona.show()


@attack("liar", "payloads? (from|of) entry")
def payload_lengths(persona, _world):
    new_entries(persona)
    choice = persona.random.choice((b"\xff\xff\xff\xff", b"\0\0\0\x05abcde", b"", b"\0\0"))
    persona.play(payload=lambda visit: choice)
    persona.show()


@attack("liar", "payloads from entry")
def payload_huge(persona, _world):
    new_entries(persona)

    def payload(visit):
        piece = struct.pack(">I", 1 << 20) + bytes(1 << 20)
        visit.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        for _ in range(80):
            visit.send(piece)
    persona.play(payload=payload)
    persona.show()


@attack("liar", "entries from entry|bundle")
def bundle_huge(persona, _world):
    new_entries(persona)

    def entries(visit):
        visit.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        for _ in range(60):
            visit.send(bytes(1 << 19))
    persona.play(entries=entries)
    persona.show()


@attack("liar", "bundle|entries from")
def bundle_lengths(persona, _world):
    new_entries(persona)
    twists = (lambda part: wire.bundle_write(part)[:-1], lambda part: wire.bundle_write(part) + b"\0\x01x",
              lambda part: wire.bundle_write(part[:-1]), lambda part: wire.bundle_write(part[:-1]) + b"\xff\xff" + part[-1],
              lambda part: wire.bundle_write(part[:-1]) + b"\0\0" + part[-1])
    twist = persona.random.choice(twists)
    persona.play(entries=lambda visit: twist(wire.bundle_read(visit.site.entries(visit))))
    persona.show()


@attack("liar", "checkpoint")
def checkpoint_by_another_key(persona, _world):
    new_entries(persona)
    other = wire.Key(persona.random.randbytes(32))
    persona.show(note=persona.log.checkpoint(key=other))


@attack("liar", "checkpoint")
def checkpoint_garbage(persona, _world):
    new_entries(persona)
    good = persona.log.checkpoint()
    twists = (lambda n: b"", lambda n: b"no checkpoint\n", lambda n: n[:-12] + b"AAAAAAAAAAA\n",
              lambda n: n.replace(b"\n", b"\r\n"), lambda n: bytes(70000), lambda n: n + n,
              lambda n: n.replace(b"\n\n", b"\nextension\n\n", 1), lambda n: b"\xff" + n)
    persona.show(note=persona.random.choice(twists)(good))


@attack("liar", "cosignature|does not hold")
def cosignature_forged(persona, world):
    new_entries(persona)
    victim = persona.random.choice(world.honest)
    line = wire.note_line(victim.origin, 4, world.cosigner_of(victim),
                          struct.pack(">Q", int(time.time())) + persona.random.randbytes(64))
    persona.show(note=persona.log.checkpoint() + line.encode())


@attack("liar", "checkpoint|sign|key|bundle|root")
def relay_grown(persona, world):
    """An honest log, longer than its author made it, signed by a key that the persona says is its own."""
    author = persona.random.choice(world.honest)
    forged = world.log_of(author)
    for i in range(persona.random.randint(1, 300)):
        forged.append(wire.record("connect/attest", ("%s %d\n" % (marked(world), i)).encode()))
    forged.log = persona.log.log
    persona.excused = author  # who sees its own log, and need not blame anybody
    for site in persona.sites:
        site.show(forged)


@attack("race")
def relay_altered(persona, world):
    """An honest log under its author's own checkpoint, with other entries, before the author's peers have it."""
    author = persona.random.choice(world.honest)
    known = len(world.log_of(author).entries)
    author.run("import", "--tlp", "clear", "--format", "list", "-", text="".join(
        "x%d.%d.honest.example\n" % (i, persona.random.getrandbits(50)) for i in range(2000)))
    note = author.get("/logs/%s/checkpoint" % wire.hex_of(author.origin))[1]
    altered = world.log_of(author)
    for i in range(known, len(altered.entries)):
        altered.entries[i] = altered.entries[i][:-6] + b"forged"
    for site in persona.sites:
        site.show(altered, note=note)


@attack("liar", "heads")
def heads_lies(persona, _world):
    log = persona.log
    lines = (
        b"<html>\n", b"%s %s 99999999999999999999\nnext a-1\n" % (log.hex.encode(), log.origin.encode()),
        b"%s %s 5\nnext a-1\n" % (b"0" * 64, log.origin.encode()), b"x" * 100000, b"",
        b"%s %s 5\n" % (log.hex.encode(), log.origin.encode()), b"next %s\n" % (b"a" * 200),
        b"%s %s -1\nnext a-1\n" % (log.hex.encode(), log.origin.encode()), b"next a-1\nnext a-2\n", b"next \x1b[2J\n")
    persona.play(heads=lambda visit: lines[persona.random.randrange(len(lines))])


@attack("liar", "/heads")
def heads_endless(persona, _world):
    def heads(visit):
        visit.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            visit.send(b"%s %s 5\n" % (persona.log.hex.encode(), persona.log.origin.encode()) * 400)
    persona.play(heads=heads)


@attack("liar", "more")
def heads_more_for_ever(persona, _world):
    count = [0]

    def heads(visit):
        count[0] += 1
        return b"%s %s %d\nmore m-%d\n" % (persona.log.hex.encode(), persona.log.origin.encode(),
                                           len(persona.log.entries), count[0])
    persona.play(heads=heads)


# ---- not given ----


def refuses(what, status, *lines):
    """An attack that answers one class of requests with an error."""
    def set_up(persona, _world):
        new_entries(persona)
        persona.play(**{what: lambda visit: visit.answer(b"later", status, [*lines, "Connection: close"])})
        persona.show()
    return set_up


ATTACKS["checkpoint_withheld"] = ("failing", "status 503", refuses("checkpoint", "503 Busy", "Retry-After: 1"))
ATTACKS["entries_withheld"] = ("failing", "status 500", refuses("entries", "500 Oops"))
ATTACKS["payloads_withheld"] = ("failing", "status 429", refuses("payload", "429 Slowly", "Retry-After: 1"))
ATTACKS["redirected"] = ("failing", "redirect", refuses("entries", "302 Found", "Location: http://169.254.169.254/x"))


@attack("failing", "compressed")
def gzip_unasked(persona, _world):
    new_entries(persona)
    body = bytes.fromhex("1f8b08000000000002ff") + bytes(5000)
    persona.play(entries=lambda visit: visit.answer(body, lines=["Content-Encoding: gzip"]))
    persona.show()


@attack("failing", "closed|transfer|reset|Empty|HTTP|header")
def cut_short(persona, _world):
    new_entries(persona)
    starts = (b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nabc", b"", b"HTTP/1.1 200", b"SSH-2.0-x\r\n",
              b"HTTP/1.1 200 OK\r\nContent-Le")
    persona.play(entries=lambda visit: visit.send(starts[persona.random.randrange(len(starts))]))
    persona.show()


# ---- no lie, no help ----


@attack("nothing")
def announced_and_gone(persona, _world):
    """It announces more than its checkpoint covers, or what it does not have."""
    ghost = wire.Log("ghost." + persona.name, persona.random)
    persona.show(announced=persona.random.choice((len(persona.log.entries) + 7, 1 << 40)))

    def checkpoint(visit):
        note = None if ghost.hex in visit.path else visit.site.checkpoint(visit)
        return note or visit.answer(b"", "404 Not Found", ["Connection: close"])
    persona.play(checkpoint=checkpoint)
    for site in persona.sites:
        site.show(ghost, announced=5)


@attack("nothing")
def replays(persona, _world):
    """Old heads, old checkpoints, over and over."""
    for size in persona.random.sample(range(1, len(persona.log.entries) + 1), min(5, len(persona.log.entries))):
        persona.show(signed=size)


@attack("nothing")
def holes(persona, _world):
    new_entries(persona)
    persona.play(payload=lambda visit: bytes(4 * (int(visit.query["to"]) - int(visit.query["from"]))))
    persona.show()


@attack("nothing")
def holes_until_told(persona, _world):
    """It answers without contents, and has said meanwhile that there are contents: the victim must ask again."""
    new_entries(persona)

    def payload(visit):
        site = visit.site
        site.tricks.pop("payload")  # from the next request on it gives them
        body = bytes(4 * (int(visit.query["to"]) - int(visit.query["from"])))
        told = site.asked.get("heads", 0)
        site.show(persona.log)
        while site.asked.get("heads", 0) <= told:  # the line has arrived when it asks for further ones
            time.sleep(0.01)
        return body
    persona.play(payload=payload)
    persona.show()
    persona.is_complete = True  # what it said is to be had at once, without another word


@attack("nothing")
def flood(persona, world):
    """10,000 logs that there are not, and every few seconds again. They use up its quota: its own log must have come before."""
    world.wait_size(persona, persona.log)
    logs, told = [], {}
    for i in range(10000):
        name = "flood%d.%s/%s" % (i, persona.name, "a" * 52)
        logs.append("%s %s %d\n" % (wire.hex_of(name), name, 1 + i % 50))
    page = "".join(logs)

    def heads(visit):
        if visit.query.get("since") == "f-1" or time.monotonic() - told.get(visit.site, -FLOOD_S) < FLOOD_S:
            return players.Site.heads(visit.site, visit)
        told[visit.site] = time.monotonic()
        return (page + "next f-1\n").encode()
    persona.play(heads=heads)


@attack("nothing")
def bombs(persona, _world):
    """Well sealed and well signed, and nothing that a reader should choke on: depth, long lines, many lines, no record."""
    log = persona.log
    deep = b"[" * 60000 + b"]" * 5000
    log.append(wire.record("connect/profile", b'{"name":' + deep[:60000] + b"}"))
    log.append(wire.record("connect/profile", json.dumps({"name": log.origin.split("/")[0], "class": "civil",
                                                         "sectors": ["x" * 200] * 16}).encode()))
    log.append(b"tongzhou/1 " + b"a" * 60000)
    log.append(wire.record("connect/erase", b"99999999999999999999\n"))
    log.append(wire.record("connect/rotate", b"{}" * 500))
    log.append(wire.record("connect/fork", b'{"origin":' + deep[:50000]))
    for body in (b"\0" * 100000, wire.record("security/stix", b"[" * 1000000, ("tlp clear", "lang en")),
                 b"tongzhou/1 culture/note\n" + b"x-y z\n" * 200000, b"tongzhou/1 a/b\n" + b"x" * 5000 + b"\n\n",
                 wire.record("security/stix", b'{"type":"indicator","a":' * 3000 + b"1", ("tlp clear",))):
        salt = persona.random.randbytes(32)
        log.append(wire.seal(log.origin, salt, body), (salt, body))
    persona.play(node=lambda visit: deep)
    persona.show()


@attack("stalled")
def silent(persona, _world):
    new_entries(persona)
    what = persona.random.choice(("checkpoint", "entries", "payload"))

    def wait(visit):
        visit.socket.settimeout(players.STALL_S)
        visit.socket.recv(1)
    persona.play(**{what: wait})
    persona.show()


@attack("stalled")
def trickle(persona, _world):
    new_entries(persona)
    what = persona.random.choice(("checkpoint", "entries", "payload", "heads"))

    def drip(visit):
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
        while True:
            visit.send(b"x")
            time.sleep(0.5)
    persona.play(**{what: drip})
    persona.show()


# ---- forks ----


def branches(persona, world):
    """Two branches of its log, with different ends, each true for itself."""
    one, other = persona.log, persona.log.copy()
    for log, word in ((one, "left"), (other, "right")):
        for i in range(persona.random.randint(1, 4)):
            log.say("%s of %s, %d" % (word, persona.name, i))
    world.truth.add(other)
    persona.forked = True
    return one, other


@attack("forked")
def equivocates(persona, world):
    for i, site in enumerate(persona.sites):
        if i == 0:
            pair = branches(persona, world)
        site.show(pair[i % 2])


@attack("forked")
def equivocates_at_one_size(persona, world):
    one, other = persona.log, persona.log.copy()
    persona.forked = True
    one.say("left, of " + persona.name)
    other.say("right, of " + persona.name)
    world.truth.add(other)
    for i, site in enumerate(persona.sites):
        site.show((one, other)[i % 2])


@attack("forked")
def rewrites(persona, world):
    """The same victim sees one branch, then a longer one without what it saw."""
    one, other = branches(persona, world)
    persona.show()
    world.wait_size(persona, one)
    while len(other.entries) <= len(one.entries):
        other.say("rewritten by " + persona.name)
    for site in persona.sites:
        site.show(other)
