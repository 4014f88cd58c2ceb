"""An OpenID Connect provider for tests: provider.py FOLDER. It signs in whoever FOLDER/who names, without asking, and does as
FOLDER/mode says: "good", or one thing that no provider may do. Keys are FOLDER/key.pem, and FOLDER/other.pem, which is not among those that
it publishes; the port goes to FOLDER/port. FOLDER/log has what it was asked."""
import base64, hashlib, http.server, json, os, subprocess, sys, time, urllib.parse

folder = sys.argv[1]
codes = {}


def read(name):
    with open(os.path.join(folder, name)) as file:
        return file.read().strip()


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def run(*command, data=None):
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def modulus(key):
    return bytes.fromhex(run("openssl", "rsa", "-in", os.path.join(folder, key), "-noout", "-modulus").decode().split("=")[1].strip())


def token(mode, nonce):
    now = int(time.time())
    claims = {"iss": issuer, "aud": "node-one", "sub": read("who"), "nonce": nonce, "iat": now, "exp": now + 300}
    header = {"alg": "RS256", "kid": "k1"}
    key = "key.pem"
    if mode == "none":
        header = {"alg": "none"}
    elif mode == "wrong key":
        key = "other.pem"
    elif mode == "new key":  # one that has not been published when keys were asked for
        header["kid"], key = "k2", "other.pem"
    elif mode == "audience":
        claims["aud"] = "node-two"
    elif mode == "issuer":
        claims["iss"] = "http://127.0.0.1:1"
    elif mode == "expired":
        claims["iat"], claims["exp"] = now - 1000, now - 700
    elif mode == "nonce":
        claims["nonce"] = "of-another-sign-in"
    text = encode(json.dumps(header).encode()) + "." + encode(json.dumps(claims).encode())
    if mode == "none":
        return text + "."
    return text + "." + encode(run("openssl", "dgst", "-sha256", "-sign", os.path.join(folder, key), data=text.encode()))


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        with open(os.path.join(folder, "log"), "a") as file:
            print(self.command, self.path.split("?")[0], file=file)

    def answer(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        path, _, query = self.path.partition("?")
        asked = dict(urllib.parse.parse_qsl(query))
        if path == "/.well-known/openid-configuration":
            self.answer({"issuer": issuer, "authorization_endpoint": issuer + "/authorize", "token_endpoint": issuer + "/token",
                         "jwks_uri": issuer + "/keys", "code_challenge_methods_supported": ["S256"]})
        elif path == "/keys":
            self.answer({"keys": [{"kty": "RSA", "use": "sig", "kid": "k1", "e": "AQAB", "n": encode(modulus("key.pem"))}]})
        elif path == "/authorize":
            assert asked["response_type"] == "code" and asked["client_id"] == "node-one" and "openid" in asked["scope"].split()
            assert asked["code_challenge_method"] == "S256"
            code = encode(os.urandom(16))
            codes[code] = asked
            self.send_response(302)
            self.send_header("Location", asked["redirect_uri"] + "?" + urllib.parse.urlencode({"code": code, "state": asked["state"]}))
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.answer({}, 404)

    def do_POST(self):
        form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        asked = codes.pop(form.get("code"), None)  # once
        client = "Basic " + base64.b64encode(b"node-one:s3cret-of-node-one").decode()
        challenge = encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if not asked or self.headers.get("Authorization") != client or form.get("grant_type") != "authorization_code" or \
                form.get("redirect_uri") != asked["redirect_uri"] or challenge != asked["code_challenge"]:
            self.answer({"error": "invalid_grant"}, 400)
        else:
            self.answer({"access_token": "x", "token_type": "Bearer", "id_token": token(read("mode"), asked["nonce"])})


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
issuer = "http://127.0.0.1:%d" % server.server_port
with open(os.path.join(folder, "port.new"), "w") as file:
    print(server.server_port, file=file)
os.rename(os.path.join(folder, "port.new"), os.path.join(folder, "port"))
server.serve_forever()
