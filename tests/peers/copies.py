"""All of a log as a node serves it, verified here from the bytes on."""
import base64

import wire
from real import Broken


def checkpoint(node, origin):
    """The note, or None if this log is not served."""
    status, note = node.get("/logs/%s/checkpoint" % wire.hex_of(origin))
    if status not in (200, 404):
        raise Broken("%s: checkpoint of %s: status %d" % (node.name, origin, status))
    return note if status == 200 else None


class Copy:
    """Its size is 0 if the log is not served."""

    def __init__(self, node, origin):
        self.node, self.origin, self.base = node, origin, "/logs/" + wire.hex_of(origin)
        self.entries, self.payloads, self.size = [], [], 0
        note = checkpoint(node, origin)
        if not note:
            return
        self.text, self.signatures = wire.note_parse(note)
        name, size, root = self.text.decode().splitlines()[:3]
        self.size, self.root = int(size), base64.b64decode(root)
        for first in range(0, self.size, wire.WIDTH):
            width = min(wire.WIDTH, self.size - first)
            self._entries(first, width)
            self._payloads(first + width)
        if name != origin or wire.root_of([wire.leaf(entry) for entry in self.entries]) != self.root:
            self._broken("the entries do not hash to the root")
        for index, item in enumerate(self.payloads):
            if item and wire.seal(origin, *item) != self.entries[index]:
                self._broken("content of entry %d does not fit its seal" % index)

    def _broken(self, why):
        raise Broken("%s: %s as it serves it: %s" % (self.node.name, self.origin, why))

    def _entries(self, first, width):
        number = first // wire.WIDTH
        full = "x%03d/%03d" % divmod(number, 1000) if number >= 1000 else "%03d" % number
        path = full if width == wire.WIDTH else "%s.p/%d" % (full, width)
        status, body = self.node.get("%s/tile/entries/%s" % (self.base, path))
        if status == 404 and width < wire.WIDTH:  # it has become a full one meanwhile
            status, body = self.node.get("%s/tile/entries/%s" % (self.base, full))
        part = wire.bundle_read(body)[:width] if status == 200 else []
        if len(part) != width:
            self._broken("bundle %s: status %d, %d entries" % (path, status, len(part)))
        self.entries += part

    def _payloads(self, to):
        while len(self.payloads) < to:
            begin = len(self.payloads)
            status, body = self.node.get("%s/payload/%d?from=%d&to=%d" % (self.base, begin // wire.WIDTH, begin, to))
            if status != 200 or not body:
                self._broken("contents from %d: status %d" % (begin, status))
            self.payloads += wire.payloads_read(body)

    def cosigned_by(self, vkey):
        """Is there a cosignature of this key? One that does not hold is an error."""
        name, public = wire.vkey_read(vkey)
        holds = wire.signed_by(self.signatures, name, wire.COSIGNATURE, public, self.text)
        if holds is False:
            self._broken("a cosignature of %s that does not hold" % name)
        return bool(holds)
