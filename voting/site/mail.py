"""Sending mail: through an SMTP server, or, where none is set up, as files in the data directory.

Errors hold the server's status number and never an address or a text. It must not import flask or the store.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from voting.files import replace_file
from voting.protocol.errors import UrneError
from voting.site.letters import Letter
from voting.site.settings import MailSettings, Settings
from voting.voter_list import is_mail_address

TIMEOUT_SECONDS = 20
MAX_SUBJECT_CHARACTERS = 200


class MailError(UrneError):
    """A message could not be sent."""

    code = "mail"

    def __init__(self, problem: str, *, is_final: bool = False, remedy: str = "") -> None:
        """Args: `is_final`: whether trying again is of no use."""
        super().__init__(problem, where="the message", remedy=remedy)
        self.is_final = is_final


class MailServerError(UrneError):
    """The mail server cannot be used at all now: no message is at fault."""

    code = "mail-server"

    def __init__(self, problem: str, *, remedy: str = "") -> None:
        super().__init__(problem, where="the mail server", remedy=remedy)


class Envelope(NamedTuple):
    """A message with its address, ready to be sent."""

    election: str
    label: str
    """Tells this message from all others of the site, and the same message sent twice from two messages."""
    email: str
    name: str
    letter: Letter
    reply_to: str = ""
    """Where answers go; the sender's address if it is empty."""

    def __repr__(self) -> str:
        return f"<Envelope {self.election} {self.label}>"


Send = Callable[[Envelope], None]
"""Raises MailError for this message, MailServerError if no message can be sent."""


class Transport(Protocol):
    """A way to send messages."""

    def session(self) -> AbstractContextManager[Send]:
        """Send several messages one after the other. Raises MailServerError if none can be sent."""


def make_transport(settings: Settings, now: Callable[[], datetime]) -> Transport:
    """The way that a site's settings choose."""
    if settings.mail is None:
        return FileTransport(settings.mail_folder, settings.address, now)
    return SmtpTransport(settings.mail, settings.address, now)


def compose(envelope: Envelope, sender: str, site: str, time: datetime) -> EmailMessage:
    """The message as mail programs write it.

    Args:
        sender: address that it comes from.
        site: the site's address; its host is a part of the message's id.

    Raises:
        MailError: if the address cannot be used.
    """
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = Address("", addr_spec=_ascii_domain(sender))
        message["To"] = Address(_one_line(envelope.name), addr_spec=_ascii_domain(envelope.email))
    except (ValueError, MessageError, UnicodeError):
        raise MailError("has an address that cannot be used", is_final=True, remedy="correct the address") from None
    if is_mail_address(envelope.reply_to):
        with contextlib.suppress(ValueError, MessageError, UnicodeError):
            message["Reply-To"] = Address("", addr_spec=_ascii_domain(envelope.reply_to))
    message["Subject"] = _one_line(envelope.letter.subject)[:MAX_SUBJECT_CHARACTERS]
    message["Date"] = format_datetime(time)
    host = re.sub(r"[^a-z0-9.-]", "", site.partition("://")[2].partition(":")[0].lower()) or "urne"
    label = hashlib.sha256(f"{site}/{envelope.election}/{envelope.label}".encode()).hexdigest()[:32]
    message["Message-ID"] = f"<{label}@{host}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(envelope.letter.body, cte="quoted-printable")
    return message


class SmtpTransport:
    """Sends through an SMTP server; one connection for a whole session."""

    def __init__(self, settings: MailSettings, site: str, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._site = site
        self._now = now

    @contextmanager
    def session(self) -> Iterator[Send]:
        server = self._connect()
        try:
            yield lambda envelope: self._send(server, envelope)
        finally:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.quit()
            server.close()

    def _connect(self) -> smtplib.SMTP:
        chosen = self._settings
        server: smtplib.SMTP | None = None
        try:
            if chosen.security == "tls":
                context = ssl.create_default_context()
                server = smtplib.SMTP_SSL(chosen.host, chosen.port, timeout=TIMEOUT_SECONDS, context=context)
            else:
                server = smtplib.SMTP(chosen.host, chosen.port, timeout=TIMEOUT_SECONDS)
            if chosen.security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if chosen.user:
                server.login(chosen.user, chosen.password)
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            if server is not None:
                server.close()
            raise _server_error(error) from None
        return server

    def _send(self, server: smtplib.SMTP, envelope: Envelope) -> None:
        message = compose(envelope, self._settings.sender, self._site, self._now())
        recipient = _ascii_domain(envelope.email)
        try:
            server.send_message(message, _ascii_domain(self._settings.sender), [recipient])
        except smtplib.SMTPRecipientsRefused as error:
            code = next(iter(error.recipients.values()), (0, b""))[0]
            raise _refused("the mail server refuses the address", code) from None
        except smtplib.SMTPSenderRefused as error:
            raise MailServerError(f"refuses the sender of messages (status {error.smtp_code})") from None
        except smtplib.SMTPNotSupportedError:
            raise MailError("has an address that this mail server does not know how to write", is_final=True) from None
        except smtplib.SMTPResponseException as error:
            raise _refused("the mail server refuses the message", error.smtp_code) from None
        except (smtplib.SMTPException, OSError) as error:
            raise MailConnectionLost(_reason(error)) from None
        except (ValueError, UnicodeError):
            raise MailError("cannot be written down as mail", is_final=True) from None


class MailConnectionLost(MailServerError):
    """The connection broke while a message was sent: it may have arrived or not."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"broke off ({reason})")


class FileTransport:
    """Writes each message into a file: `mail/<election>/<label>.eml`, readable by the site's user only."""

    def __init__(self, folder: Path, site: str, now: Callable[[], datetime]) -> None:
        self._folder = folder
        self._site = site
        self._now = now

    @contextmanager
    def session(self) -> Iterator[Send]:
        yield self._send

    def _send(self, envelope: Envelope) -> None:
        message = compose(envelope, "urne@localhost.invalid", self._site, self._now())
        folder = self._folder / envelope.election
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(folder / f"{envelope.label}.eml", message.as_bytes())
        except (OSError, UrneError):
            raise MailServerError("is not set up, and no file can be written in its place") from None


def _refused(problem: str, code: int) -> MailError:
    return MailError(f"{problem} (status {code})", is_final=code >= 500, remedy="check the address")


def _server_error(error: Exception) -> MailServerError:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return MailServerError("refuses user and password", remedy="check the settings file")
    if isinstance(error, ssl.SSLCertVerificationError):
        return MailServerError("shows a certificate that cannot be trusted", remedy="check the name of the host")
    return MailServerError(f"cannot be reached ({_reason(error)})", remedy="check the settings file")


def _reason(error: Exception) -> str:
    """Why, without anything that was sent: replies of servers repeat addresses."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"status {error.smtp_code}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def _ascii_domain(address: str) -> str:
    """An address with its domain as the name system writes it."""
    local, _at, domain = address.rpartition("@")
    return f"{local}@{domain if domain.isascii() else domain.encode('idna').decode('ascii')}"


def _one_line(text: str) -> str:
    return " ".join(part for part in re.split(r"[\x00-\x20\x7f-\xa0\u2028\u2029]+", text) if part)
