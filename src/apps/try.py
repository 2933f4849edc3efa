"""Puts real programs behind a broker and an agent, and uses each as its users do.

Called by scripts/try-apps, which installs what is needed. Each program is reached in three ways:
raw (--to HOST:PORT), http (--to http://HOST:PORT), and rewrite (the same with "rewriteHost": true).
"""

import base64
import hashlib
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse
import uuid
from pathlib import Path

HERE = Path(__file__).parent
MODES = ("raw", "http", "rewrite")
DOMAIN = "apps.localhost"
TLS = ssl._create_unverified_context()


class Failure(Exception):
    pass


def require(holds, what):
    if not holds:
        raise Failure(what)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, **options)
    last = (done.stderr or done.stdout).decode(errors="replace").strip().split("\n")[-1]
    require(done.returncode == 0, f"{command[0]}: {last[:160]}")
    return done.stdout


def wait_for(check, what):
    for _ in range(300):
        if check():
            return
        time.sleep(0.2)
    raise Failure(what)


class Site:
    """One program as it is reached in one mode."""

    def __init__(self, name, mode, port, entry):
        self.host = f"{name}-{mode}.{DOMAIN}"
        self.port = port
        self.origin = f"https://{self.host}:{port}"
        self.mode = mode
        self.entry = entry

    def connect(self):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=TLS, timeout=30)
        connection.connect()
        return connection

    def ask(self, method, path, body=None, headers=(), connection=None, chunked=False):
        used = connection or self.connect()
        all_headers = {"Host": f"{self.host}:{self.port}", **dict(headers)}
        if chunked:
            pieces = [body[i : i + 100_000] for i in range(0, len(body), 100_000)]
            used.request(method, path, iter(pieces), all_headers, encode_chunked=True)
        else:
            used.request(method, path, body, all_headers)
        response = used.getresponse()
        data = response.read()
        if not connection:
            used.close()
        return response.status, response.headers, data

    def curl(self, *options):
        return run("curl", "-sSkf", "--max-time", "60", *options)

    def path_of(self, location):
        """The path of a Location, which has to lead back to this origin."""
        url = urllib.parse.urljoin(self.origin + "/", location)
        require(url.startswith(self.origin + "/"), f"Location leads to {location[:60]}")
        return url[len(self.origin) :]


# The programs. A start function returns the command; a use function throws a Failure.


def start_git(directory, port):
    run("git", "init", "-q", "--bare", "repository", cwd=directory)
    run("git", "config", "http.receivepack", "true", cwd=directory / "repository")
    return [sys.executable, HERE / "servers.py", "git", str(port)]


def use_git(site, directory):
    git = ["git", "-c", "http.sslVerify=false", "-c", "user.name=a", "-c", "user.email=a@b"]
    url = f"{site.origin}/repository"
    for name in ("one", "two"):
        shutil.rmtree(directory / name, ignore_errors=True)
    run(*git, "clone", "-q", url, "one", cwd=directory)
    (directory / "one" / "data").write_bytes(os.urandom(3_000_000))
    run(*git, "add", "data", cwd=directory / "one")
    run(*git, "commit", "-qm", site.mode, cwd=directory / "one")
    run(*git, "push", "-q", "origin", f"HEAD:{site.mode}", cwd=directory / "one")  # chunked
    run(*git, "clone", "-q", "-b", site.mode, url, "two", cwd=directory)
    same = (directory / "one/data").read_bytes() == (directory / "two/data").read_bytes()
    require(same, "another file came back")


def start_webdav(directory, port):
    (directory / "files").mkdir()
    wsgidav = shutil.which("wsgidav")
    options = ["--host", "127.0.0.1", "--port", str(port), "--root", directory / "files"]
    return [wsgidav, *options, "--auth", "anonymous", "--no-config", "-q"]


def use_webdav(site, directory):
    local = directory / "local"
    shutil.rmtree(local, ignore_errors=True)
    (local / "a folder").mkdir(parents=True)
    for name in ("plain.txt", "a b.txt", "ü#%+?;.txt", "a folder/[x] (1).txt"):
        (local / name).write_text(name)
    if shutil.which("rclone"):
        # By UUID, as rclone does not find names of localhost.
        remote = ":webdav:" + site.mode
        environment = dict(
            os.environ,
            RCLONE_CONFIG=str(directory / "none"),
            RCLONE_WEBDAV_URL=f"https://127.0.0.1:{site.port}/",
            RCLONE_WEBDAV_USER=site.entry,
            RCLONE_WEBDAV_PASS=run("rclone", "obscure", "x").decode().strip(),
        )
        rclone = ["rclone", "--no-check-certificate", "--retries", "1", "--low-level-retries", "1"]
        run(*rclone, "copy", local, remote, env=environment)
        run(*rclone, "check", local, remote, "--download", env=environment)
    else:
        site.curl("-T", local / "plain.txt", f"{site.origin}/plain.txt")
    status, _, _ = site.ask("PUT", "/from%20%C3%BC", b"x")
    require(status in (201, 204), f"PUT: {status}")
    destination = {"Destination": f"{site.origin}/to%20%23", "Overwrite": "T"}
    status, _, _ = site.ask("MOVE", "/from%20%C3%BC", headers=destination)
    require(status in (201, 204), f"MOVE to an https URL: {status}")
    require(site.ask("GET", "/to%20%23")[2] == b"x", "the file that was moved is not there")


def start_registry(directory, port, more=""):
    (directory / "registry.yml").write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {directory}/blobs}}}}\n"
        f"http: {{addr: 127.0.0.1:{port}{more}}}\n"
    )
    return ["docker-registry", "serve", directory / "registry.yml"]


def start_relative_registry(directory, port):
    return start_registry(directory, port, ", relativeurls: true")


def use_registry(site, directory):
    del directory
    repository = f"/v2/{site.mode}/image"
    blob = os.urandom(1_500_000)
    digest = "sha256:" + hashlib.sha256(blob).hexdigest()
    status, headers, _ = site.ask("POST", f"{repository}/blobs/uploads/", b"")
    require(status == 202, f"POST: {status}")
    half = len(blob) // 2
    for piece in (blob[:half], blob[half:]):
        upload = site.path_of(headers["Location"])
        octets = {"Content-Type": "application/octet-stream"}
        status, headers, _ = site.ask("PATCH", upload, piece, octets, chunked=True)
        require(status == 202, f"PATCH: {status}")
    upload = site.path_of(headers["Location"])
    status, headers, _ = site.ask("PUT", f"{upload}&digest={urllib.parse.quote(digest)}", b"")
    require(status == 201, f"PUT: {status}")
    status, _, data = site.ask("GET", site.path_of(headers["Location"]))
    require(data == blob, f"GET: {status}, and another blob")


def start_vite(directory, port):
    modules = Path(os.environ["NODE_MODULES"])
    (directory / "node_modules").symlink_to(modules)
    (directory / "index.html").write_text('<script type="module" src="/main.js"></script>')
    (directory / "main.js").write_text("")
    vite = modules / ".bin/vite"
    return [vite, "--host", "127.0.0.1", "--port", str(port), "--strictPort"]


def use_vite(site, directory):
    code = "document.title='%s'; if (import.meta.hot) import.meta.hot.accept();"
    (directory / "main.js").write_text(code % f"{site.mode}-1")
    with Browser(directory, site.origin + "/") as browser:
        browser.wait_for("document.title", f"{site.mode}-1")
        time.sleep(1)  # the socket of the hot reload opens after the page was loaded
        (directory / "main.js").write_text(code % f"{site.mode}-2")
        browser.wait_for("document.title", f"{site.mode}-2")


class Browser:
    """Chromium, with a page open."""

    def __init__(self, directory, url):
        import websocket

        self.profile = tempfile.mkdtemp(dir=directory)
        port = free_port()
        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu"]
            + ["--ignore-certificate-errors", f"--remote-debugging-port={port}"]
            + ["--remote-allow-origins=*", f"--user-data-dir={self.profile}", url],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.socket = None
        wait_for(lambda: self.page(port), "Chromium does not start")
        self.socket = websocket.create_connection(self.page(port), timeout=30)

    @staticmethod
    def page(port):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/json")
            pages = json.loads(connection.getresponse().read())
            return next((p["webSocketDebuggerUrl"] for p in pages if p["type"] == "page"), None)
        except OSError:
            return None

    def value(self, expression):
        call = {"id": 1, "method": "Runtime.evaluate", "params": {"expression": expression}}
        self.socket.send(json.dumps(call))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == 1:
                return answer["result"]["result"].get("value")

    def wait_for(self, expression, value):
        wait_for(lambda: self.value(expression) == value, f"the browser does not show {value}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def start_jupyter(directory, port):
    jupyter = [shutil.which("jupyter"), "server", "--no-browser", "--allow-root"]
    settings = ["IdentityProvider.token=''", "ServerApp.allow_remote_access=True"]
    settings += ["ServerApp.ip=127.0.0.1", f"ServerApp.port={port}"]
    settings += [f"ServerApp.root_dir={directory}", "ServerApp.disable_check_xsrf=True"]
    return jupyter + [f"--{setting}" for setting in settings]


def use_jupyter(site, directory):
    import websocket

    del directory
    notebook = json.dumps({"type": "file", "format": "text", "content": site.mode})
    path = "/api/contents/" + urllib.parse.quote(f"a b ü {site.mode}.txt")
    status, _, _ = site.ask("PUT", path, notebook)
    require(status in (200, 201), f"PUT: {status}")
    require(json.loads(site.ask("GET", path)[2])["content"] == site.mode, "another file came back")
    status, _, data = site.ask("POST", "/api/kernels", "{}")
    require(status == 201, f"a kernel: {status}")
    kernel = json.loads(data)["id"]
    raw = socket.create_connection(("127.0.0.1", site.port))
    channel = websocket.create_connection(
        f"wss://{site.host}:{site.port}/api/kernels/{kernel}/channels",
        socket=TLS.wrap_socket(raw, server_hostname=site.host),
        origin=site.origin,
        timeout=60,
    )
    header = {"msg_id": "1", "msg_type": "execute_request", "session": "s", "username": ""}
    content = {"code": "print(6 * 7)", "silent": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
    channel.send(json.dumps({**message, "channel": "shell", "buffers": []}))
    while True:
        answer = json.loads(channel.recv())
        if answer["msg_type"] == "stream":
            require(answer["content"]["text"] == "42\n", "the kernel cannot count")
            break
    channel.close()
    site.ask("DELETE", f"/api/kernels/{kernel}")


def start_home_assistant(directory, port, more=""):
    (directory / "configuration.yaml").write_text(
        f"http:\n  server_host: 127.0.0.1\n  server_port: {port}\n{more}api:\nwebsocket_api:\n"
    )
    return ["hass", "-c", directory]


def start_trusting_home_assistant(directory, port):
    trusted = "  use_x_forwarded_for: true\n  trusted_proxies: [127.0.0.1]\n"
    return start_home_assistant(directory, port, trusted)


def use_home_assistant(site, directory):
    import websocket

    del directory
    wait_for(lambda: site.ask("GET", "/api/")[0] != 502, "Home Assistant does not start")
    status, _, _ = site.ask("GET", "/api/")
    require(status == 401, f"GET: {status}")
    raw = socket.create_connection(("127.0.0.1", site.port))
    channel = websocket.create_connection(
        f"wss://{site.host}:{site.port}/api/websocket",
        socket=TLS.wrap_socket(raw, server_hostname=site.host),
        origin=site.origin,
        timeout=60,
    )
    require(json.loads(channel.recv())["type"] == "auth_required", "the WebSocket")
    channel.close()


def start_nginx(directory, port, more=""):
    (directory / "html/dir").mkdir(parents=True)
    (directory / "html/dir/index.html").write_text("a directory")
    (directory / "html/video").write_bytes(bytes(range(256)) * 20_000)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = " ".join(f"{kind}_temp_path {directory}/{kind};" for kind in kinds)
    (directory / "nginx.conf").write_text(
        f"daemon off; pid {directory}/pid; error_log {directory}/error.log; events {{}}\n"
        f"http {{ access_log off; {paths} {more}\n"
        f"server {{ listen 127.0.0.1:{port}; root {directory}/html; }} }}\n"
    )
    return [shutil.which("nginx") or "/usr/sbin/nginx", "-c", directory / "nginx.conf"]


def start_relative_nginx(directory, port):
    return start_nginx(directory, port, "absolute_redirect off;")


def use_nginx(site, directory):
    del directory
    status, headers, _ = site.ask("GET", "/dir")
    require(status == 301, f"GET: {status}")
    path = site.path_of(headers["Location"])
    require(site.ask("GET", path)[2] == b"a directory", "the redirect leads elsewhere")


def use_ranges(site, directory):
    video = (directory / "html/video").read_bytes()
    status, headers, _ = site.ask("HEAD", "/video")
    require(headers["Content-Length"] == str(len(video)), f"HEAD: {status}")
    connection = site.connect()
    for first, last in ((0, 0), (100, 299), (1_000_000, 3_000_000), (len(video) - 5, len(video))):
        span = {"Range": f"bytes={first}-{last}", "If-Range": headers["ETag"]}
        status, _, data = site.ask("GET", "/video", headers=span, connection=connection)
        require(status == 206 and data == video[first : last + 1], f"{span}: {status}")
    several = {"Range": "bytes=0-9,100-109"}
    status, parts, data = site.ask("GET", "/video", headers=several, connection=connection)
    multipart = parts["Content-Type"].startswith("multipart/byteranges")
    require(status == 206 and multipart and data.count(b"Content-Range") == 2, "several ranges")
    again = {"If-None-Match": headers["ETag"]}
    status, _, data = site.ask("GET", "/video", headers=again, connection=connection)
    require(status == 304 and not data, f"revalidation: {status}")


def start_events(directory, port):
    del directory
    return [sys.executable, HERE / "servers.py", "events", str(port)]


def use_events(site, directory):
    del directory
    connection = site.connect()
    connection.request("GET", "/", headers={"Host": f"{site.host}:{site.port}"})
    response = connection.getresponse()
    require(response.readline() == b"data: first\n", "the first event")
    site.ask("GET", "/arrived")
    require(response.read() == b"\ndata: second\n\n", "the second event")


def start_ntlm(directory, port):
    del directory
    return [sys.executable, HERE / "servers.py", "ntlm", str(port)]


def use_ntlm(site, directory):
    del directory
    url = f"{site.origin}/"
    who = site.curl("--ntlm", "-u", "alice:x", url, url).decode()
    require(who == "alicealice", f"curl is {who}")
    clients = {name: site.connect() for name in ("alice", "bob")}
    for kind in (1, 3):
        for name, connection in clients.items():
            message = b"NTLMSSP\0" + kind.to_bytes(4, "little")
            message += bytes(24) + len(name).to_bytes(2, "little") * 2 + (44).to_bytes(4, "little")
            token = base64.b64encode(message + name.encode()).decode()
            given = {"Authorization": "NTLM " + token}
            status, _, _ = site.ask("GET", "/", headers=given, connection=connection)
            require(status == (401 if kind == 1 else 200), f"message {kind}: {status}")
    for _ in range(5):
        for name, connection in clients.items():
            require(site.ask("GET", "/", connection=connection)[2] == name.encode(), "confused")
    require(site.ask("GET", "/")[0] == 401, "somebody else is known, too")


# name, programs that are needed, start, use
APPS = [
    ("git", ["git"], start_git, use_git),
    ("webdav", ["wsgidav"], start_webdav, use_webdav),
    ("registry", ["docker-registry"], start_registry, use_registry),
    ("registry-relative", ["docker-registry"], start_relative_registry, use_registry),
    ("vite", ["node", "chromium"], start_vite, use_vite),
    ("jupyter", ["jupyter"], start_jupyter, use_jupyter),
    ("hass", ["hass"], start_home_assistant, use_home_assistant),
    ("hass-trusting", ["hass"], start_trusting_home_assistant, use_home_assistant),
    ("nginx", ["nginx"], start_nginx, use_nginx),
    ("nginx-relative", ["nginx"], start_relative_nginx, use_nginx),
    ("ranges", ["nginx"], start_nginx, use_ranges),
    ("events", [], start_events, use_events),
    ("ntlm", ["curl"], start_ntlm, use_ntlm),
]


def entry(work, name, mode, port, local_port):
    """Creates an entry, and the provisioning file of its hidden server."""
    identity = str(uuid.uuid4())
    secret = base64.b32encode(secrets.token_bytes(20)).decode()
    label = f"{name}-{mode}"
    totp = {"protocol": "totp", "algorithm": "sha1", "base32": secret, "step": 30, "digits": 8}
    stored = {"uuid": identity, "labels": [label], "authParams": totp}
    (work / f"data/entries/{identity}.json").write_text(json.dumps(stored))
    server = {"hostname": "127.0.0.1", "port": port}
    to = f"127.0.0.1:{local_port}" if mode == "raw" else f"http://127.0.0.1:{local_port}"
    file = {"uuid": [identity], "labels": [label], **totp, "server": server, "to": to}
    file["rewriteHost"] = mode == "rewrite"
    (work / f"agent/{label}.json").write_text(json.dumps(file))
    return identity


def main(java, names):
    work = Path(tempfile.mkdtemp(prefix="try-apps-"))
    work.chmod(0o755)  # nginx reads it as another user
    started = []

    def start(command, log, **options):
        out = open(work / log, "wb")
        process = subprocess.Popen(
            [str(part) for part in command], stdout=out, stderr=out, start_new_session=True, **options
        )
        started.append(process)
        return process

    try:
        return try_all(java, names, work, start)
    finally:
        for process in reversed(started):
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
        shutil.rmtree(work, ignore_errors=True)


def try_all(java, names, work, start):
    for directory in ("conf", "data/entries", "agent"):
        (work / directory).mkdir(parents=True)
    port = free_port()
    (work / "conf/rendezvous.properties").write_text(
        f"rendezvous.host=127.0.0.1\nrendezvous.port={port}\nrendezvous.public-host={DOMAIN}\n"
        f"rendezvous.domain={DOMAIN}\nrendezvous.admin.enabled=false\n"
    )
    chosen = [app for app in APPS if not names or app[0] in names]
    sites = {}
    for name, needed, starter, _ in chosen:
        if all(shutil.which(program) or Path("/usr/sbin", program).exists() for program in needed):
            local_port = free_port()
            directory = work / name
            directory.mkdir()
            start(starter(directory, local_port), f"{name}.log", cwd=directory)
            for mode in MODES:
                identity = entry(work, name, mode, port, local_port)
                sites[name, mode] = Site(name, mode, port, identity)
    start([*java, "serve", "--directory", work], "broker.log", cwd=work)
    start([*java, "agent", "--entry", work / "agent", "--insecure", "--tunnels", "4"], "agent.log")
    for name, mode in sites:
        label = f"{name}-{mode}: parked"
        wait_for(lambda: label in (work / "agent.log").read_text(), f"not parked: {name}-{mode}")
    return report(chosen, sites, work)


def report(chosen, sites, work):
    failures = 0
    print(f"{'':20}" + "".join(f"{mode:10}" for mode in MODES), flush=True)
    for name, needed, _, use in chosen:
        words, notes = [], []
        for mode in MODES:
            if (name, mode) not in sites:
                words.append("-")
                notes = ["not installed: " + " ".join(needed)]
                continue
            try:
                use(sites[name, mode], work / name)
                words.append("ok")
            except Exception as e:  # of whatever library
                failures += 1
                words.append("no")
                notes.append(f"{mode}: {type(e).__name__ if not isinstance(e, Failure) else ''} {e}")
        print(f"{name:20}" + "".join(f"{word:10}" for word in words) + "; ".join(notes), flush=True)
    return failures


if __name__ == "__main__":
    sys.exit(min(1, main(sys.argv[1].split("|"), sys.argv[2:])))
