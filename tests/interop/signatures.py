#!/usr/bin/env python3
"""Signed requests by a library that shares no code with ours (http-message-signatures, on top of http_sfv).

    signatures.py ask KEYFILE OPERATOR URL [URI]     sign a request as the member of KEYFILE, ask, print the answer's content
    signatures.py catch URL PROFILE PORTFILE         stand in front of the node at URL: verify what a node asks it for, or posts
                                                     to it as to a hook, by the request key of PROFILE, whose origin is read
                                                     from standard input

With URI the signature covers @target-uri, else @authority, @path and @query. Exit status 1 if the answer is not 200.
"""
import base64
import datetime
import email.message
import hashlib
import http.server
import json
import secrets
import sys
import urllib.error
import urllib.request

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms


class Message:
    """What the library wants of a request."""

    def __init__(self, method, url, headers):
        self.method, self.url, self.headers = method, url, email.message.Message()
        for name, value in headers:
            self.headers[name] = value


class Keys(HTTPSignatureKeyResolver):
    def __init__(self, keyid, key):
        self.keyid, self.key = keyid, key

    def resolve_private_key(self, key_id):
        return self.key

    def resolve_public_key(self, key_id):
        if key_id != self.keyid:
            raise ValueError("keyid %s, expected %s" % (key_id, self.keyid))
        return self.key


def ask(key_file, operator, url, covers="parts"):
    lines = dict(line.split(" ", 1) for line in open(key_file, encoding="utf-8").read().splitlines())
    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(lines["request"]))
    message = Message("GET", url, [("Tongzhou-To", operator)])
    target = ("@target-uri",) if covers == "uri" else ("@authority", "@path", "@query")
    now = datetime.datetime.now(datetime.timezone.utc)
    signer = HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=Keys(lines["origin"], key))
    signer.sign(message, key_id=lines["origin"], created=now, expires=now + datetime.timedelta(seconds=60),
                nonce=secrets.token_hex(8), tag="tongzhou", label="other",
                covered_component_ids=("@method",) + target + ("tongzhou-to",))
    request = urllib.request.Request(url, headers=dict(message.headers.items()))
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            sys.stdout.buffer.write(answer.read())
    except urllib.error.HTTPError as error:
        print(error.code, error.read().decode(), file=sys.stderr)
        sys.exit(1)


def catch(upstream, profile_file, port_file):
    record = open(profile_file, "rb").read()
    profile = json.loads(record.split(b"\n\n", 1)[1])
    origin = sys.stdin.readline().strip()
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(profile["request_key"]))
    verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=Keys(origin, key))

    class Peer(http.server.BaseHTTPRequestHandler):
        def verify(self):
            url = "http://%s%s" % (self.headers["Host"], self.path)
            result = verifier.verify(Message(self.command, url, self.headers.items()))[0]
            covered = [name.strip('"') for name in result.covered_components]
            print("verified", result.parameters["keyid"], " ".join(covered), "tag", result.parameters["tag"], flush=True)

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.verify()
            digest = "sha-256=:%s:" % base64.b64encode(hashlib.sha256(body).digest()).decode()
            good = self.headers["Content-Digest"] == digest and json.loads(body)["node"] == origin
            self.send_response(204 if good else 400)
            self.end_headers()

        def do_GET(self):
            if "Signature-Input" in self.headers:
                self.verify()
            with urllib.request.urlopen(upstream + self.path, timeout=30) as answer:
                body = answer.read()
                self.send_response(200)
                self.send_header("Content-Type", answer.headers["Content-Type"])
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Peer)
    with open(port_file, "w", encoding="utf-8") as file:
        file.write("%d\n" % server.server_port)
    server.serve_forever()


if __name__ == "__main__":
    {"ask": ask, "catch": catch}[sys.argv[1]](*sys.argv[2:])
