"""A server on this machine that plays a remote one."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer


class Remote(HTTPServer):
    """Answers with the files it is given; remembers which were asked for."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.cut = False
        self.declares_length = True
        self.silent = threading.Event()
        self.silent.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/data/"


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        remote = self.server
        assert isinstance(remote, Remote)
        remote.silent.wait(5)
        name = self.path.removeprefix("/data/")
        remote.asked.append(name)
        if name not in remote.files:
            self.send_error(404)
            return
        content = remote.files[name]
        self.send_response(200)
        if remote.declares_length:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if remote.cut else content)

    def log_message(self, format, *args):  # noqa: A002 (the base class's name)
        pass
