"""Receivers of notices for tests: receiver.py FOLDER. A hook, a mail server, system logs by UDP, TCP, TLS and a socket file; what
each got goes to FOLDER/hooks (a JSON object a line), FOLDER/mails (likewise) and FOLDER/lines. FOLDER/mode says how they behave
from the next one on: "good", or what receivers do as well. Ports are in FOLDER/ports, "NAME PORT" a line. With FOLDER/cert.pem and
key.pem TLS is spoken: by the mail server behind STARTTLS, and at ports of their own."""
import base64, http.server, json, os, socket, ssl, sys, threading, time

folder = sys.argv[1]
lock = threading.Lock()
ports = {}


def path(name):
    return os.path.join(folder, name)


def mode():
    with open(path("mode")) as file:
        return file.read().strip()


def note(name, text):
    with lock, open(path(name), "a") as file:
        file.write(text + "\n")


def tls():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path("cert.pem"), path("key.pem"))
    return context


# ---- hooks ----


class Hook(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        how = mode()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if how == "silent":
            time.sleep(60)
        headers = {name.lower(): value for name, value in self.headers.items()}
        note("hooks", json.dumps({"mode": how, "path": self.path, "headers": headers, "body": body.decode()}))
        if how == "cut":  # it has the notices; whoever sends does not get to know
            note("cut", "got")
            time.sleep(60)
        status = {"good": 204, "refuse": 500, "redirect": 307, "large": 200, "later": 503}.get(how, 204)
        self.send_response(status)
        if status == 307:
            self.send_header("Location", "http://127.0.0.1:%d/elsewhere" % ports["elsewhere"])
        if status == 503:
            self.send_header("Retry-After", "3000")
        self.send_header("Content-Length", str(1 << 30) if how == "large" else "0")
        self.end_headers()
        if how == "large":
            try:
                for _ in range(1 << 14):
                    self.wfile.write(b"x" * 65536)
            except OSError:
                note("large", "cut off")
            self.close_connection = True


class Elsewhere(Hook):
    def do_POST(self):
        note("elsewhere", self.path)
        self.send_response(204)
        self.end_headers()


# ---- mail ----


class Mail:
    def __init__(self, connection):
        self.socket = connection
        self.file = connection.makefile("rb")
        self.secure = isinstance(connection, ssl.SSLSocket)
        self.who = self.sender = None
        self.to = []

    def say(self, line):
        self.socket.sendall(line.encode() + b"\r\n")

    def greet(self):
        offers = ["receiver", "8BITMIME"]
        if not self.secure and mode() != "no tls" and os.path.exists(path("cert.pem")):
            offers.append("STARTTLS")
        if self.secure:
            offers.append("AUTH PLAIN")
        for i, offer in enumerate(offers):
            self.say("250%s%s" % ("-" if i + 1 < len(offers) else " ", offer))

    def secured(self):
        self.say("220 go on")
        self.socket = tls().wrap_socket(self.socket, server_side=True)
        self.file = self.socket.makefile("rb")
        self.secure = True

    def take(self):
        self.say("354 go on")
        lines = []
        while (line := self.file.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        note("mails", json.dumps({"tls": self.secure, "who": self.who, "from": self.sender, "to": self.to,
                                  "text": b"".join(lines).decode("latin-1")}))
        self.say("250 taken")

    def one(self, line):
        verb = line.upper()
        if verb.startswith("EHLO"):
            self.greet()
        elif verb.startswith("STARTTLS"):
            self.secured()
        elif verb.startswith("AUTH PLAIN"):
            given = line.split()[2:]
            if not given:
                self.say("334 ")
                given = [self.file.readline()]
            self.who = base64.b64decode(given[0]).decode().split("\0")[1:]
            self.say("235 welcome" if self.who[1] == "right" else "535 no")
        elif verb.startswith("MAIL FROM:"):
            self.sender = line[10:]
            self.say("250 go on")
        elif verb.startswith("RCPT TO:"):
            if mode() == "refuse":
                self.say("550 nobody\x1b[31m here")
            else:
                self.to.append(line[8:])
                self.say("250 go on")
        elif verb == "DATA":
            self.take()
        elif verb == "QUIT":
            self.say("221 bye")
            return False
        else:
            self.say("502 what?")
        return True

    def run(self):
        try:
            self.say("220 receiver")
            while line := self.file.readline():
                if not self.one(line.decode().rstrip("\r\n")):
                    break
        except OSError:
            pass
        self.socket.close()


# ---- system logs ----


def counted(connection):
    file = connection.makefile("rb")
    try:
        while length := file.read(1):
            while (digit := file.read(1)) != b" ":
                length += digit
            note("lines", file.read(int(length)).decode())
    except (OSError, ValueError):
        pass
    connection.close()


def datagrams(sock):
    while True:
        note("lines", sock.recv(65536).decode())


# ---- all together ----


def listen(name, handle, secure=False):
    server = socket.create_server(("127.0.0.1", 0))
    ports[name] = server.getsockname()[1]

    def one(connection):
        try:
            handle(tls().wrap_socket(connection, server_side=True) if secure else connection)
        except (OSError, ssl.SSLError):
            connection.close()

    def accept():
        while True:
            threading.Thread(target=one, args=(server.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def serve(name, handler, secure=False):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if secure:
        server.socket = tls().wrap_socket(server.socket, server_side=True)
    ports[name] = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()


serve("hook", Hook)
serve("elsewhere", Elsewhere)
listen("smtp", lambda connection: Mail(connection).run())
listen("tcp", counted)
if os.path.exists(path("cert.pem")):
    serve("hooks", Hook, True)
    listen("smtps", lambda connection: Mail(connection).run(), True)
    listen("tls", counted, True)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 0))
ports["udp"] = udp.getsockname()[1]
unix = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
unix.bind(path("log.socket"))
for sock in (udp, unix):
    threading.Thread(target=datagrams, args=(sock,), daemon=True).start()
with open(path("ports.new"), "w") as file:
    file.writelines("%s %d\n" % item for item in ports.items())
os.rename(path("ports.new"), path("ports"))
threading.Event().wait()
