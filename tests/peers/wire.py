"""What PROTOCOL.md sections 2 to 6 say, written a second time: logs, notes, records, seals, payload bundles.

The adversary writes with it, and checks read with it, so that a node is judged by other code than its own.
Signatures come from libsodium, which the program itself needs, too.
"""
import base64
import ctypes
import hashlib
import json
import struct

_sodium = ctypes.CDLL("libsodium.so.23")
_sodium.sodium_init()

WIDTH = 256
COSIGNATURE = 4  # the type of its keys
TIME = "2026-11-22T11:14:26.123Z"


class Bad(Exception):
    """Something that a reader must refuse."""


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def b64(data):
    return base64.b64encode(data).decode()


# ---- keys and notes ----


class Key:
    def __init__(self, seed):
        public, secret = ctypes.create_string_buffer(32), ctypes.create_string_buffer(64)
        _sodium.crypto_sign_seed_keypair(public, secret, seed)
        self.public, self._secret = public.raw, secret.raw

    def sign(self, text):
        signature = ctypes.create_string_buffer(64)
        _sodium.crypto_sign_detached(signature, None, text, ctypes.c_ulonglong(len(text)), self._secret)
        return signature.raw


def verifies(public, text, signature):
    return len(signature) == 64 and _sodium.crypto_sign_verify_detached(
        signature, text, ctypes.c_ulonglong(len(text)), public) == 0


def key_id(name, kind, public):
    return sha256(name.encode(), b"\n", bytes([kind]), public)[:4]


def note_line(name, kind, public, signature):
    return "— %s %s\n" % (name, b64(key_id(name, kind, public) + signature))


def note_parse(note):
    """The text, and (name, key id and signature) of each line."""
    text, _, lines = note.decode().rpartition("\n\n")
    signatures = []
    for line in lines.splitlines():
        dash, name, data = line.split(" ")
        if dash != "—":
            raise Bad("a signature line that is none")
        signatures.append((name, base64.b64decode(data, validate=True)))
    return (text + "\n").encode(), signatures


def signed_by(signatures, name, kind, public, text):
    """Is there a line of this key, and does it hold? None: there is no line."""
    want = key_id(name, kind, public)
    for who, data in signatures:
        if who != name or data[:4] != want:
            continue
        if kind == COSIGNATURE:
            seconds, data = struct.unpack(">Q", data[4:12])[0], data[:4] + data[12:]
            return verifies(public, b"cosignature/v1\ntime %d\n" % seconds + text, data[4:])
        return verifies(public, text, data[4:])
    return None


def vkey_read(vkey):
    """Name and public key."""
    name, _, data = vkey.split("+", 2)
    return name, base64.b64decode(data)[1:]


# ---- trees ----


def leaf(entry):
    return sha256(b"\0", entry)


def root_of(hashes):
    """MTH of RFC 6962 over leaf hashes."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << ((len(hashes) - 1).bit_length() - 1)
    return sha256(b"\1", root_of(hashes[:split]), root_of(hashes[split:]))


def tile_of(hashes, level, number, width):
    """The bytes of tile (level, number) of that width, or None."""
    span = WIDTH ** level
    first = number * WIDTH
    if (first + width) * span > len(hashes):
        return None
    return b"".join(root_of(hashes[i * span:(i + 1) * span]) for i in range(first, first + width))


def bundle_write(entries):
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)


def bundle_read(data):
    entries = []
    while data:
        (length,) = struct.unpack(">H", data[:2])
        if length == 0 or len(data) < 2 + length:
            raise Bad("a bundle that ends within an entry")
        entries.append(data[2:2 + length])
        data = data[2 + length:]
    return entries


def payloads_read(data):
    """For each entry (salt, payload), or None for a hole."""
    items = []
    while data:
        (length,) = struct.unpack(">I", data[:4])
        if length == 0:
            items.append(None)
        elif length < 32 or len(data) < 4 + length:
            raise Bad("a payload bundle that ends within an item")
        else:
            items.append((data[4:36], data[36:4 + length]))
        data = data[4 + length:]
    return items


# ---- records ----


def record(kind, body, lines=()):
    return ("\n".join(["tongzhou/1 " + kind, "time " + TIME, *lines]) + "\n\n").encode() + body


def seal(origin, salt, payload):
    name = origin.encode()
    digest = sha256(b"tongzhou/1 seal\n", struct.pack(">H", len(name)), name, salt, payload)
    return b"tongzhou/1 seal\nsha256 " + digest.hex().encode() + b"\n\n"


def checkpoint_text(origin, size, root):
    return ("%s\n%d\n%s\n" % (origin, size, b64(root))).encode()


def hex_of(origin):
    return hashlib.sha256(origin.encode()).hexdigest()


class Log:
    """A log as its author keeps it. `copy` makes another branch."""

    def __init__(self, name, random):
        self.random = random
        self.log, self.recovery, self.cosigner, self.request = (Key(random.randbytes(32)) for _ in range(4))
        body = {
            "class": "civil", "cosigner_key": b64(self.cosigner.public), "encryption_key": b64(random.randbytes(32)),
            "log_key": b64(self.log.public), "name": name, "recovery_hash": sha256(self.recovery.public).hex(),
            "request_key": b64(self.request.public)}
        entry0 = record("connect/profile", json.dumps(body, separators=(",", ":"), sort_keys=True).encode() + b"\n")
        self.origin = name + "/" + base64.b32encode(leaf(entry0)).decode().lower().rstrip("=")
        self.hex = hex_of(self.origin)
        self.entries, self.payloads, self.hashes = [entry0], [None], [leaf(entry0)]
        self.said = set()  # indices of contents that whoever mirrors the log wants to keep

    def copy(self):
        other = Log.__new__(Log)
        other.__dict__.update(self.__dict__)
        other.entries, other.payloads, other.hashes = self.entries[:], self.payloads[:], self.hashes[:]
        other.said = set(self.said)
        return other

    def append(self, entry, payload=None):
        self.entries.append(entry)
        self.payloads.append(payload)
        self.hashes.append(leaf(entry))

    def say(self, text, kind="culture/note"):
        payload, salt = record(kind, text.encode(), ("tlp clear",)), self.random.randbytes(32)
        self.said.add(len(self.entries))
        self.append(seal(self.origin, salt, payload), (salt, payload))

    def checkpoint(self, size=None, root=None, key=None, origin=None):
        size = len(self.entries) if size is None else size
        text = checkpoint_text(origin or self.origin, size, root or root_of(self.hashes[:size]))
        key = key or self.log
        return text + b"\n" + note_line(origin or self.origin, 1, key.public, key.sign(text)).encode()

    def payload_bundle(self, first, to):
        return b"".join(struct.pack(">I", 32 + len(item[1])) + item[0] + item[1] if item else bytes(4)
                        for item in self.payloads[first:to])
