"""Small local servers for try.py: git over HTTP, server-sent events, and NTLM on a connection."""

import base64
import os
import struct
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        data = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return data

    def answer(self, status, headers, body=b""):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Git(Handler):
    """Runs git http-backend, as a web server does by CGI."""

    def do_GET(self):
        self.run()

    def do_POST(self):
        self.run()

    def run(self):
        path, _, query = self.path.partition("?")
        body = self.body()
        environment = dict(
            os.environ,
            GIT_PROJECT_ROOT=os.getcwd(),
            GIT_HTTP_EXPORT_ALL="1",
            PATH_INFO=path,
            QUERY_STRING=query,
            REQUEST_METHOD=self.command,
            CONTENT_TYPE=self.headers.get("Content-Type", ""),
            CONTENT_LENGTH=str(len(body)),
            HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding", ""),
            GIT_PROTOCOL=self.headers.get("Git-Protocol", ""),
            REMOTE_USER="someone",
        )
        command = ["git", "http-backend"]
        out = subprocess.run(command, input=body, env=environment, stdout=subprocess.PIPE).stdout
        head, _, content = out.partition(b"\r\n\r\n")
        headers = [line.decode().split(": ", 1) for line in head.split(b"\r\n")]
        status = [int(value.split()[0]) for name, value in headers if name == "Status"]
        self.answer(status[0] if status else 200, headers, content)


class Events(Handler):
    """Sends a second event once somebody has said that the first one arrived."""

    arrived = threading.Event()

    def do_GET(self):
        if self.path == "/arrived":
            self.arrived.set()
            self.answer(204, [])
            return
        self.arrived.clear()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"data: first\n\n")
        self.wfile.flush()
        if self.arrived.wait(20):
            self.wfile.write(b"data: second\n\n")
        self.close_connection = True


class Ntlm(Handler):
    """Knows the user of a connection from its third request on, as IIS does."""

    user = None  # of this connection
    challenged = False

    def do_GET(self):
        given = self.headers.get("Authorization", "")
        if given.startswith("NTLM "):
            self.handshake(base64.b64decode(given[5:]))
        elif self.user:
            self.answer(200, [], self.user.encode())
        else:
            self.answer(401, [("WWW-Authenticate", "NTLM")])

    def handshake(self, message):
        kind = struct.unpack_from("<I", message, 8)[0]
        if kind == 1:
            self.challenged = True
            flags = 0x00000001 | 0x00000200  # Unicode, NTLM
            reply = b"NTLMSSP\0" + struct.pack("<IHHII", 2, 0, 0, 32, flags) + b"8 octets" + bytes(8)
            token = base64.b64encode(reply).decode()
            self.answer(401, [("WWW-Authenticate", "NTLM " + token)])
        elif kind == 3 and self.challenged:
            length, _, offset = struct.unpack_from("<HHI", message, 36)
            name = message[offset : offset + length]
            self.user = name.decode("utf-16-le" if b"\0" in name else "latin-1")
            self.answer(200, [], self.user.encode())
        else:
            self.answer(400, [], b"a response without a challenge on this connection")


if __name__ == "__main__":
    handler = {"git": Git, "events": Events, "ntlm": Ntlm}[sys.argv[1]]
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), handler).serve_forever()
