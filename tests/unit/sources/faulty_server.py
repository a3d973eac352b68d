"""A web server on this machine whose answers a test can spoil, one request at a time."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server:
    """Serves ``files`` with ETag and Range; ``faults[path]`` are used up first, one per request.

    A fault is called with the handler and the file's bytes, and answers in its
    own way. ``seen`` lists (path, Range header) of every request.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[Callable]] = {}
        self.seen: list[tuple[str, str]] = []
        self.agents: set[str] = set()
        self.post: Callable | None = None
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                owner.seen.append((self.path, self.headers.get("Range", "")))
                owner.agents.add(self.headers.get("User-Agent", ""))
                content = owner.files.get(self.path)
                waiting = owner.faults.get(self.path)
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    if waiting:
                        waiting.pop(0)(self, content)
                    elif content is None:
                        status(404)(self, None)
                    else:
                        serve(self, content)

            def do_HEAD(self):
                content = owner.files.get(self.path)
                self.send_response(404 if content is None else 200)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                owner.seen.append((self.path, body))
                waiting = owner.faults.get(self.path)
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    content = b"" if owner.post is None else None
                    if waiting:
                        waiting.pop(0)(self, content)
                    else:
                        serve(self, owner.post(body), "application/json")

        class Http(ThreadingHTTPServer):
            def handle_error(self, *_):
                """A client that hangs up is what these tests are about."""

        self._http = Http(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


def etag(content: bytes) -> str:
    return f'"{hashlib.sha1(content).hexdigest()}"'


def serve(handler, content, kind="application/octet-stream", upto=None, pause_s=0.0):
    """The whole file or the range asked for; ``upto`` closes the line after so many bytes."""
    start, end = 0, len(content) - 1
    if handler.headers.get("If-None-Match") == etag(content):
        status(304)(handler, content)
        return
    wanted = handler.headers.get("Range", "")
    if wanted and handler.headers.get("If-Range", etag(content)) == etag(content):
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last or end), end)
        if start >= len(content):
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{len(content)}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes {start}-{end}/{len(content)}")
    else:
        handler.send_response(200)
    handler.send_header("Content-Type", kind)
    handler.send_header("ETag", etag(content))
    handler.send_header("Content-Length", str(end + 1 - start))
    handler.end_headers()
    body = content[start : end + 1 if upto is None else min(upto, end + 1)]
    step = len(body) if not pause_s else max(1, len(body) // 8)
    for at in range(0, len(body), step or 1):
        handler.wfile.write(body[at : at + step])
        handler.wfile.flush()
        time.sleep(pause_s)
    if upto is not None:
        handler.close_connection = True


def cut(upto):
    return lambda handler, content: serve(handler, content, upto=upto)


def slow(pause_s):
    return lambda handler, content: serve(handler, content, pause_s=pause_s)


def trickle(pause_s):
    """Byte by byte, for ever."""

    def answer(handler, content):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        for byte in content:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            time.sleep(pause_s)
        handler.close_connection = True

    return answer


def without_length(handler, content):
    """In chunks, so that nobody knows how much is to come."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    for at in range(0, len(content), 5000):
        block = content[at : at + 5000]
        handler.wfile.write(f"{len(block):x}\r\n".encode() + block + b"\r\n")
    handler.wfile.write(b"0\r\n\r\n")


def status(code, **headers):
    def answer(handler, _):
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def instead(content, kind="application/octet-stream"):
    """Other bytes than the file's."""
    return lambda handler, _: serve(handler, content, kind)


def longer_than_any_disk(handler, _):
    handler.send_response(200)
    handler.send_header("Content-Length", str(10**15))
    handler.end_headers()
    handler.close_connection = True


def silent(seconds):
    """Takes the request and says nothing."""

    def answer(handler, _):
        time.sleep(seconds)
        handler.close_connection = True

    return answer
