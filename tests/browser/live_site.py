"""A whole site, as `urne serve` makes it, served to browsers: booth, boards, public pages and administration.

    with LiveSite(tmp_path) as site:
        page.goto(site.address + "/admin")

Mail goes to files, as without a mail server. Test groups are allowed.
"""

from __future__ import annotations

import email
import email.policy
import re
import socket
import threading
import time
from pathlib import Path
from typing import Any, Self

from waitress.server import create_server

from voting.server import Site, create_app, open_site
from voting.site.settings import Settings


class LiveSite:
    """The site in a folder of its own, on a free port."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"http://localhost:{port}"
        self.folder = folder / "site"
        self.settings = Settings(
            self.folder, self.address, allow_toy=True, time_zone="Europe/Paris", contact="office@example.org"
        )
        self.site: Site = open_site(self.settings)
        assert self.site.first_account is not None
        self.account, self.password = self.site.first_account
        self.server: Any = create_server(create_app(self.site), host="127.0.0.1", port=port, threads=8)
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def __enter__(self) -> Self:
        self.site.services.start()
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.close()
        self.site.close()

    def mails(self, to: str) -> list[str]:
        """The texts of all messages to one address, the oldest first."""
        found = []
        for path in sorted(self.settings.mail_folder.rglob("*.eml"), key=lambda path: path.stat().st_mtime_ns):
            message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            if to in str(message["To"]):
                body = message.get_body()
                assert body is not None
                found.append(str(body.get_content()))
        return found

    def wait_for_mail(self, to: str, *, seconds: float = 20) -> None:
        """Until there is a message to this address: another thread writes them."""
        end = time.monotonic() + seconds
        while not self.mails(to):
            assert time.monotonic() < end, f"no message to {to}"
            time.sleep(0.05)

    def link(self, to: str, part: str) -> str:
        """The newest link in messages to one address that has this in it."""
        found: list[str] = [link for text in self.mails(to) for link in re.findall(r"https?://\S+", text)]
        links = [link for link in found if part in link]
        assert links, f"no message to {to} has a link with {part}"
        return links[-1]
