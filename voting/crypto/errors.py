"""The root of Urne's errors, and those that mathematics raises.

Every error says what is wrong, where, and what to do. None of them may carry a secret: no credential code, seed,
nonce, choice or mail address (rule 8 of the house). The rest of the tree is in `voting.protocol.errors`.
"""

from __future__ import annotations


class UrneError(Exception):
    """Base of all errors that Urne raises on purpose.

    `code` is short and stable: user interfaces, JSON output and tests rely on it.
    `exit_code` is what a command returns: 1 a check failed, 2 wrong usage, 3 could not be done.
    """

    code = "error"
    exit_code = 3

    def __init__(self, problem: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.where = where
        self.remedy = remedy

    def __reduce__(self) -> tuple[object, ...]:
        """So that an error in one process arrives whole in another."""
        return _same_error, (type(self), self.args, self.__dict__)

    def __str__(self) -> str:
        text = f"{self.where}: {self.problem}" if self.where else self.problem
        return f"{text} ({self.remedy})" if self.remedy else text

    def at(self, where: str) -> UrneError:
        """The same error, seen from further outside: `where` is put before the place it already names."""
        self.where = f"{where}.{self.where}" if self.where else where
        return self


def _same_error(kind: type[UrneError], args: tuple[object, ...], fields: dict[str, object]) -> UrneError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(fields)
    return error


class DecodeError(UrneError):
    """Bytes or text are not a well-formed encoding of what was expected."""

    code = "malformed"


class NotInGroup(DecodeError):
    """A number is well formed and in range, and still not a member of the group."""

    code = "not-in-group"


class ProofError(UrneError):
    """A zero-knowledge proof, a share or an equation does not hold."""

    code = "proof"
    exit_code = 1


class SignatureInvalid(UrneError):
    """A signature does not fit its message and key."""

    code = "signature"
    exit_code = 1


class KeyFileError(UrneError):
    """A key file is damaged, or the passphrase does not open it."""

    code = "key-file"
