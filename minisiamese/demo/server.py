"""The page's server: three files to read, and questions, as JSON, that are answered in JSON.

It listens on this machine alone. Another page in the same browser could send it requests, too: so the address holds a
token that nobody can guess, and a request must name this server as its host and, if it says where it comes from, as its
origin.
"""

import contextlib
import secrets
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources

import msgspec

from minisiamese.errors import BadInput

HOST = "127.0.0.1"
FILES = {  # name in the address: (file, media type)
    "": ("page.html", "text/html"),
    "script.js": ("script.js", "text/javascript"),
    "style.css": ("style.css", "text/css"),
}
LONGEST = 8 << 20  # bytes of a request: all cards, of the largest pictures
PATIENCE = 10  # seconds that a request may take to arrive
AT_ONCE = 32  # requests; more are turned away
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Refused(Exception):
    """A request that gets no answer, but an HTTP status and the reason in words."""

    def __init__(self, status, reason):
        super().__init__(reason)
        self.status = status


class Server(ThreadingHTTPServer):
    """The server of one page, at ``address``; BadInput if the port is taken.

    ``questions`` has for the name of each question a function that answers it, and the type of what it is asked.
    """

    daemon_threads = True  # a request that still waits does not keep the program

    def __init__(self, port, questions):
        try:
            super().__init__((HOST, port), Request)
        except OSError as error:
            raise BadInput(f"--port {port} cannot be used ({error.strerror or error}): give another one") from None
        self.questions, self.token, self.closed = questions, secrets.token_urlsafe(16), False
        self.places = threading.BoundedSemaphore(AT_ONCE)
        names = (HOST, "localhost")
        self.hosts = [f"{name}:{self.server_port}" for name in names] + list(names) * (self.server_port == 80)
        self.address = f"http://{self.hosts[0]}/{self.token}/"

    def server_close(self):
        self.closed = True  # threads that still answer fail while the program ends
        super().server_close()

    def process_request(self, request, client_address):
        if not self.places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no thread could be started
            self.places.release()
            self.shutdown_request(request)

    def process_request_thread(self, request, client_address):
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.places.release()

    def handle_error(self, request, client_address):
        """Nothing: a browser went away before it had its answer."""


class Request(BaseHTTPRequestHandler):
    """One request of the page."""

    def setup(self):
        super().setup()
        self.clock = threading.Timer(PATIENCE, self.stop_reading)
        self.clock.daemon = True
        self.clock.start()

    def stop_reading(self):
        """End a request that has not arrived by now."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RD)

    def finish(self):
        self.clock.cancel()
        super().finish()

    def do_GET(self):
        self.reply(self.file)

    def do_POST(self):
        self.reply(self.answer)

    def reply(self, content):
        """Send what ``content(name)`` gives for the path's name, (bytes, their media type); or why it gives nothing."""
        try:
            status, (body, kind) = 200, content(self.name())
        except Refused as refused:
            status, body, kind = refused.status, *as_json({"error": str(refused)})
        except BadInput as error:
            status, body, kind = 400, *as_json({"error": str(error)})
        except MemoryError:
            status, body, kind = 503, *as_json({"error": "there is too little memory for that"})
        except Exception as error:
            line = " ".join(f"the program made an error ({type(error).__name__}: {error})".split())
            if not self.server.closed:
                print(f"error: {line}", file=sys.stderr, flush=True)
            status, body, kind = 500, *as_json({"error": line})
        self.send_response(status)
        for key, value in HEADERS.items() | {("Content-Type", kind), ("Content-Length", str(len(body)))}:
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def name(self):
        """What the path has after the token; Refused if the request is not the page's."""
        hosts = self.server.hosts
        if self.headers.get("Host") not in hosts:
            raise Refused(403, "this server answers to its own address alone")
        if self.headers.get("Origin") not in (None, *(f"http://{host}" for host in hosts)):
            raise Refused(403, "this server answers its own page alone")
        token, slash, name = self.path.removeprefix("/").partition("/")
        if not secrets.compare_digest(token.encode(), self.server.token.encode()):
            raise Refused(403, "the address has another token: open the one that the terminal shows")
        if not slash:
            raise Refused(404, "the address ends in a slash")
        return name

    def file(self, name):
        """A file of the page."""
        if name not in FILES:
            raise Refused(404, "there is no such page")
        file, kind = FILES[name]
        return (resources.files(__package__) / file).read_bytes(), f"{kind}; charset=utf-8"

    def answer(self, name):
        """The answer to a question of the page."""
        if name not in self.server.questions:
            raise Refused(404, "there is no such question")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise Refused(411, "the request does not say how long it is")
        if len(length) > 9 or int(length) > LONGEST:
            raise Refused(413, f"the request is longer than {LONGEST >> 20} MB")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise Refused(400, "the request ends too early")
        question, kind = self.server.questions[name]
        try:
            asked = msgspec.json.decode(body, type=kind)
        except (msgspec.DecodeError, RecursionError) as error:  # of which a ValidationError is one
            raise Refused(400, f"the request cannot be understood ({error})") from None
        return as_json(question(asked))

    def log_message(self, *_):
        """Nothing: the terminal is for the address and for what goes wrong."""


def as_json(answer):
    """(bytes, media type) of an answer; of bytes in it their base64 text."""
    return msgspec.json.encode(answer), "application/json"
