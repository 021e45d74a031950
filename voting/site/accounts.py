"""Accounts of the people who run elections: passwords, and a brake on guessing them.

A password is kept as its scrypt hash. Guessing is braked twice: per network address, with growing delays, and per
account, with a short delay that a browser which has logged in before does not feel. So nobody can guess fast, and
nobody can lock the owner out. It must not import flask.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import threading
import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta

from voting.crypto.kdf import derive
from voting.crypto.passphrase import generate_passphrase
from voting.protocol.errors import InputErrors, Problem, UrneError
from voting.protocol.moment import format_moment, parse_moment
from voting.protocol.text import text_problems
from voting.site.account_store import AccountRow, AccountStore
from voting.site.store import SiteStore
from voting.voter_list import is_mail_address

MIN_PASSWORD_CHARACTERS = 12
MAX_PASSWORD_CHARACTERS = 1000
MAX_NAME_CHARACTERS = 80
FIRST_ACCOUNT = "admin"
PASSPHRASE_WORDS = 5

SCRYPT_LOG_N, SCRYPT_R, SCRYPT_P = 15, 8, 1
_SALT_BYTES, _HASH_BYTES = 16, 32
_MAX_MEMORY = 128 * 1024 * 1024
_AT_ONCE = threading.BoundedSemaphore(2)
"""Each scrypt takes 32 MiB: more than two at once could exhaust a small machine."""

_LOGINS_AT_ONCE = threading.BoundedSemaphore(6)
"""More logins than this do not wait for each other: the threads of the site are for voters, too."""
BUSY_DELAY = timedelta(seconds=3)

FREE_FAILURES = 4
"""So many typing errors cost no wait."""
MAX_ADDRESS_DELAY = timedelta(minutes=15)
MAX_ACCOUNT_DELAY = timedelta(seconds=30)
FAILURES_KEPT = timedelta(days=1)

Clock = Callable[[], datetime]
RandomBytes = Callable[[int], bytes]


class LoginError(UrneError):
    """A login was refused. The text does not tell whether the account exists."""

    code = "login"


class LoginDelayed(LoginError):
    """Too many logins failed: nothing was looked at."""

    code = "login-delayed"

    def __init__(self, wait: timedelta) -> None:
        self.seconds = max(1, round(wait.total_seconds()))
        super().__init__("has to wait after several wrong attempts", remedy=f"try again in {self.seconds} seconds")


class Accounts:
    """The accounts of a site.

    Args:
        secret: the site's secret key.
        now: the clock.
        random_bytes: source of salts and passphrases.
    """

    def __init__(self, store: SiteStore, secret: bytes, *, now: Clock, random_bytes: RandomBytes) -> None:
        self.rows = AccountStore(store)
        self._now = now
        self._random_bytes = random_bytes
        self._source_key = derive(secret, "login-source", length=32)
        self._browser_key = derive(secret, "known-browser", length=32)
        self._no_password = ""
        """Compared with where there is no account, so that both take as long; made at the first login."""

    # -- making and changing -------------------------------------------------------------------------------------------

    def create_first(self) -> tuple[str, str] | None:
        """On a new site, make the account of its manager; gives name and passphrase, which are shown once."""
        if self.rows.all():
            return None
        password = generate_passphrase(self._random_bytes, PASSPHRASE_WORDS)
        self.create(FIRST_ACCOUNT, password, is_manager=True)
        return FIRST_ACCOUNT, password

    def create(
        self, name: str, password: str, *, email: str = "", language: str = "en", is_manager: bool = False
    ) -> AccountRow:
        """Make an account.

        Raises:
            InputErrors: with everything that is wrong with name, password and mail address.
            UsageError: if the name is taken.
        """
        name = unicodedata.normalize("NFC", name).strip()
        problems = [*text_problems(name, "name", limit=MAX_NAME_CHARACTERS), *password_problems(password)]
        if email and not is_mail_address(email):
            problems.append(Problem("email", "is no mail address", "write it like name@example.org"))
        if problems:
            raise InputErrors("account", problems)
        hashed = hash_password(password, self._random_bytes(_SALT_BYTES))
        number = self.rows.add(name, email, language, is_manager=is_manager, password=hashed, time=self._time())
        account = self.rows.get(number)
        assert account is not None  # noqa: S101 (added on the line before)
        return account

    def change_password(self, account: AccountRow, old: str, new: str, *, keep: bytes = b"") -> None:
        """Change a password, and end all other logins of the account.

        Args:
            keep: hash of the session that goes on.

        Raises:
            LoginError: if the old password is wrong.
            InputErrors: if the new one is too weak.
        """
        if not is_password(old, account.password):
            raise LoginError("is not the present password", where="old", remedy="type it again")
        self.set_password(account.id, new)
        self.rows.drop_sessions(account.id, but=keep)

    def set_password(self, account: int, new: str) -> None:
        """Set a password without the old one, e.g. by command. Raises InputErrors if it is too weak."""
        problems = list(password_problems(new))
        if problems:
            raise InputErrors("password", problems)
        self.rows.set_password(account, hash_password(new, self._random_bytes(_SALT_BYTES)), self._time())

    def reset_password(self, account: int) -> str:
        """Give an account a new generated passphrase and end its logins; gives the passphrase, to be shown once."""
        password = generate_passphrase(self._random_bytes, PASSPHRASE_WORDS)
        self.set_password(account, password)
        self.rows.drop_sessions(account)
        return password

    # -- logging in ----------------------------------------------------------------------------------------------------

    def check(self, name: str, password: str, address: str, known_browser: str = "") -> AccountRow:
        """The account that this name and password belong to.

        Args:
            address: network address of whoever asks.
            known_browser: what `known_browser` gave this browser after an earlier login, if it did.

        Raises:
            LoginDelayed: if it has to wait; the password was not looked at.
            LoginError: if name or password are wrong.
        """
        account = self.rows.by_name(unicodedata.normalize("NFC", name).strip()[:MAX_NAME_CHARACTERS])
        from_address = self._source("address", _network(address))
        to_account = self._source("account", name.strip().casefold()[:MAX_NAME_CHARACTERS])
        if account is not None and self._knows(account, known_browser):
            # A browser of the owner's has a count of its own: strangers cannot use it up.
            from_address = to_account = self._source("browser", known_browser)
        self._require_no_wait(from_address, MAX_ADDRESS_DELAY)
        self._require_no_wait(to_account, MAX_ACCOUNT_DELAY)
        if not _LOGINS_AT_ONCE.acquire(blocking=False):
            raise LoginDelayed(BUSY_DELAY)
        try:
            # Counted before it is looked at, so that many attempts at once cannot slip through together.
            time = self._time()
            for source in {from_address, to_account}:
                self.rows.count_failure(source, time)
            if not self._no_password:
                self._no_password = hash_password("", self._random_bytes(_SALT_BYTES))
            stored = account.password if account is not None else self._no_password
            is_right = is_password(password, stored)
        finally:
            _LOGINS_AT_ONCE.release()
        if not is_right or account is None or account.is_disabled:
            raise LoginError("do not belong together", where="name and password", remedy="type both again")
        for source in {from_address, to_account}:
            self.rows.forget_failures(source)
        return account

    def known_browser(self, account: AccountRow) -> str:
        """What a browser that has logged in keeps, so that later logins from it are not braked by strangers."""
        label = base64.urlsafe_b64encode(self._random_bytes(12)).decode("ascii")
        return f"{label}.{self._browser_proof(account, label)}"

    def tidy(self) -> None:
        """Forget failures of yesterday."""
        self.rows.drop_old_failures(format_moment(self._now() - FAILURES_KEPT))

    # -- inside --------------------------------------------------------------------------------------------------------

    def _time(self) -> str:
        return format_moment(self._now())

    def _source(self, kind: str, text: str) -> bytes:
        """A source of logins without saying which: addresses are personal data."""
        return hmac.digest(self._source_key, f"{kind}\0{text}".encode("utf-8", "replace"), "sha256")

    def _require_no_wait(self, source: bytes, longest: timedelta) -> None:
        row = self.rows.failures(source)
        if row is None or row.failures < FREE_FAILURES:
            return
        delay = min(longest, timedelta(seconds=2.0 ** min(row.failures - FREE_FAILURES, 20)))
        wait = parse_moment(row.last) + delay - self._now()
        if wait > timedelta():
            raise LoginDelayed(wait)

    def _knows(self, account: AccountRow, known_browser: str) -> bool:
        label, _, proof = known_browser.partition(".")
        return bool(label) and hmac.compare_digest(proof.encode(), self._browser_proof(account, label).encode())

    def _browser_proof(self, account: AccountRow, label: str) -> str:
        said = f"{account.id}\0{account.password_changed}\0{label}"
        return hmac.digest(self._browser_key, said.encode("utf-8", "replace"), "sha256").hex()


def _network(address: str) -> str:
    """The network that an address stands for: with IPv6, one person has a whole /64."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else address


def password_problems(password: str) -> list[Problem]:
    """What is wrong with a new password."""
    if len(password) < MIN_PASSWORD_CHARACTERS:
        return [Problem("password", f"has fewer than {MIN_PASSWORD_CHARACTERS} characters", "choose a longer one")]
    if len(password) > MAX_PASSWORD_CHARACTERS:
        return [Problem("password", f"has more than {MAX_PASSWORD_CHARACTERS} characters", "choose a shorter one")]
    if len(set(password)) < 5:
        return [Problem("password", "consists of very few different characters", "choose one that is harder to guess")]
    return []


def hash_password(password: str, salt: bytes) -> str:
    """A password as it is stored: scrypt with its parameters and salt."""
    digest = _scrypt(password, salt, SCRYPT_LOG_N, SCRYPT_R, SCRYPT_P)
    parts = (base64.b64encode(part).decode("ascii") for part in (salt, digest))
    return "$".join(("scrypt", str(SCRYPT_LOG_N), str(SCRYPT_R), str(SCRYPT_P), *parts))


def is_password(password: str, stored: str) -> bool:
    """Whether this is the password that was stored. Takes as long for a wrong one as for the right one."""
    try:
        kind, log_n, r, p, salt, digest = stored.split("$")
        wanted = base64.b64decode(digest, validate=True)
        found = _scrypt(password, base64.b64decode(salt, validate=True), int(log_n), int(r), int(p))
    except (ValueError, binascii.Error):
        return False
    return kind == "scrypt" and hmac.compare_digest(found, wanted)


def _scrypt(password: str, salt: bytes, log_n: int, r: int, p: int) -> bytes:
    typed = unicodedata.normalize("NFC", password[: MAX_PASSWORD_CHARACTERS + 1]).encode("utf-8", "replace")
    with _AT_ONCE:
        return hashlib.scrypt(typed, salt=salt, n=2**log_n, r=r, p=p, maxmem=_MAX_MEMORY, dklen=_HASH_BYTES)
