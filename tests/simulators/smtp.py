"""A small SMTP server for tests: it takes messages, and refuses or breaks off as it is told.

with SmtpSimulator() as server:
    server.refuse["bob@example.org"] = "550 5.1.1 nobody here"
    ... send to 127.0.0.1:server.port ...
    server.messages[0]
"""

from __future__ import annotations

import contextlib
import socketserver
import threading
from types import TracebackType


class SmtpSimulator:
    """Speaks SMTP on a free port until it is closed."""

    def __init__(self, *, password: str = "") -> None:
        self.messages: list[bytes] = []
        self.connections = 0
        self.refuse: dict[str, str] = {}
        """Address -> the answer to RCPT. "drop" breaks the connection instead."""
        self.after_data = "250 taken over"
        self.password = password
        simulator = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                simulator.connections += 1
                with contextlib.suppress(OSError):
                    self.talk()

            def say(self, line: str) -> None:
                self.wfile.write(line.encode() + b"\r\n")

            def talk(self) -> None:
                self.say("220 simulator")
                for raw in self.rfile:
                    line = raw.decode("utf-8", "replace").strip()
                    verb = line[:4].upper()
                    if verb == "EHLO":
                        self.say("250-simulator\r\n250-AUTH PLAIN\r\n250 8BITMIME")
                    elif verb == "AUTH":
                        self.say("235 welcome" if simulator.password else "535 5.7.8 wrong")
                    elif verb == "RCPT":
                        address = line[line.find("<") + 1 : line.find(">")]
                        answer = simulator.refuse.get(address, "250 fine")
                        if answer == "drop":
                            return
                        self.say(answer)
                    elif verb == "DATA":
                        self.say("354 go on")
                        lines = []
                        while (part := self.rfile.readline()) not in {b".\r\n", b""}:
                            lines.append(part)
                        if simulator.after_data.startswith("250"):
                            simulator.messages.append(b"".join(lines))
                        self.say(simulator.after_data)
                    elif verb == "QUIT":
                        self.say("221 bye")
                        return
                    else:
                        self.say("250 fine")

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def __enter__(self) -> SmtpSimulator:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
