"""What PROTOCOL.md says of logs as they are served, read a second time: a node is judged by other code than its own.

Signatures are checked by libsodium, which the program itself needs, too.
"""
import base64
import ctypes
import hashlib
import struct

from nodes import Broken

_sodium = ctypes.CDLL("libsodium.so.23")
_sodium.sodium_init()
WIDTH = 256


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def root_of(hashes):
    """MTH of RFC 6962 over leaf hashes."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << ((len(hashes) - 1).bit_length() - 1)
    return sha256(b"\1", root_of(hashes[:split]), root_of(hashes[split:]))


def bundle_read(data):
    entries = []
    while data:
        (length,) = struct.unpack(">H", data[:2])
        entries.append(data[2:2 + length])
        data = data[2 + length:]
    return entries


def payloads_read(data):
    """For each entry (salt, payload), or None for a hole."""
    items = []
    while data:
        (length,) = struct.unpack(">I", data[:4])
        items.append((data[4:36], data[36:4 + length]) if length else None)
        data = data[4 + length:]
    return items


def seal(origin, salt, payload):
    name = origin.encode()
    digest = sha256(b"tongzhou/1 seal\n", struct.pack(">H", len(name)), name, salt, payload)
    return b"tongzhou/1 seal\nsha256 " + digest.hex().encode() + b"\n\n"


def key_of(vkey):
    """Name, key id and public key."""
    name, key_id, data = vkey.split("+", 2)
    return name, bytes.fromhex(key_id), base64.b64decode(data)[1:]


class Copy:
    """All of a log as a node serves it, verified from the bytes on. Its size is 0 if it is not served."""

    def __init__(self, node, origin):
        self.node, self.origin = node, origin
        self.base = "/logs/" + hashlib.sha256(origin.encode()).hexdigest()
        self.entries, self.payloads, self.size = [], [], 0
        status, note = node.get(self.base + "/checkpoint")
        if status == 404:
            return
        self.text, _, self.lines = note.decode().rpartition("\n\n")
        self.text += "\n"
        name, size, root = self.text.splitlines()
        self.size, self.root = int(size), base64.b64decode(root)
        for first in range(0, self.size, WIDTH):
            self._bundle(first, min(WIDTH, self.size - first))
        if name != origin or root_of([sha256(b"\0", entry) for entry in self.entries]) != self.root:
            self._broken("the entries do not hash to the root")

    def _broken(self, why):
        raise Broken("%s: %s as it serves it: %s" % (self.node.name, self.origin, why))

    def _bundle(self, first, width):
        number = first // WIDTH
        path = "%03d" % number + ("" if width == WIDTH else ".p/%d" % width)
        status, body = self.node.get("%s/tile/entries/%s" % (self.base, path))
        if status == 404 and width < WIDTH:  # it has become a full one meanwhile
            status, body = self.node.get("%s/tile/entries/%03d" % (self.base, number))
        part = bundle_read(body)[:width] if status == 200 else []
        if len(part) != width:
            self._broken("bundle %s: status %d, %d entries" % (path, status, len(part)))
        self.entries += part
        while len(self.payloads) < first + width:
            begin = len(self.payloads)
            status, body = self.node.get("%s/payload/%d?from=%d&to=%d" % (self.base, number, begin, first + width))
            if status != 200 or not body:
                self._broken("contents from %d: status %d" % (begin, status))
            for item in payloads_read(body):
                if item and seal(self.origin, *item) != self.entries[len(self.payloads)]:
                    self._broken("content of entry %d does not fit its seal" % len(self.payloads))
                self.payloads.append(item)

    def cosigned_by(self, vkey):
        """Is there a good cosignature of this key?"""
        name, key_id, public = key_of(vkey)
        for line in self.lines.splitlines():
            _, who, data = line.split(" ")
            data = base64.b64decode(data)
            if who != name or data[:4] != key_id:
                continue
            signed = b"cosignature/v1\ntime %d\n" % struct.unpack(">Q", data[4:12])[0] + self.text.encode()
            if _sodium.crypto_sign_verify_detached(data[12:], signed, ctypes.c_ulonglong(len(signed)), public) != 0:
                self._broken("a cosignature of %s that does not hold" % name)
            return True
        return False
