"""Who may do what: API keys with scopes, compared in constant time and never shown."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from ysmean.errors import ConfigError

Scope = Literal["read", "write", "admin"]
SCOPES = get_args(Scope)
SHORTEST = 16
VARIABLE = "YSMEAN_API_KEYS"


@dataclass(frozen=True)
class Keys:
    """Known keys as their sha256, each with what it allows."""

    digests: Mapping[bytes, frozenset[str]] = field(default_factory=dict, repr=False)

    def __bool__(self) -> bool:
        """Return whether there are any; without, everybody may do everything."""
        return bool(self.digests)

    def scopes(self, key: str) -> frozenset[str]:
        """Return what a key allows; nothing for an unknown one."""
        given = hashlib.sha256(key.encode()).digest()
        found: frozenset[str] = frozenset()
        for known, scopes in self.digests.items():  # all of them: the time tells nothing
            if hmac.compare_digest(known, given):
                found = scopes
        return found

    @classmethod
    def parse(cls, text: str, source: str) -> Keys:
        """Read lines such as `read,write 6f1c...`; `#` begins a comment.

        Args:
            text: the lines.
            source: where they come from, for errors; keys are never shown.

        Raises:
            ConfigError: names the line and what is wrong with it.
        """
        digests: dict[bytes, frozenset[str]] = {}
        for number, line in enumerate(text.splitlines(), 1):
            words = line.split("#")[0].split()
            if not words:
                continue
            scopes = set(words[0].split(","))
            if len(words) != 2 or not scopes <= set(SCOPES):
                raise ConfigError(
                    f"{source}, line {number}: expected scopes and a key, such as 'read,write "
                    f"KEY'. Scopes: {', '.join(SCOPES)}."
                )
            if len(words[1]) < SHORTEST:
                raise ConfigError(
                    f"{source}, line {number}: the key has {len(words[1])} characters; expected "
                    f"at least {SHORTEST}, such as `openssl rand -hex 24` gives."
                )
            digests[hashlib.sha256(words[1].encode()).digest()] = frozenset(scopes)
        return cls(digests)

    @classmethod
    def find(cls, file: Path | None, environment: Mapping[str, str]) -> Keys:
        """Read the keys of a file, or else of the variable `YSMEAN_API_KEYS`.

        Raises:
            ConfigError: if the file cannot be read or holds none, or a line is wrong.
        """
        if file is None:
            return cls.parse(environment.get(VARIABLE, ""), VARIABLE)
        try:
            keys = cls.parse(file.read_text(), str(file))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"The keys in {file} cannot be read: {error}.") from None
        if not keys:
            raise ConfigError(f"{file} holds no key; expected lines such as 'read,write KEY'.")
        return keys


NO_KEYS = Keys()


def check_exposure(host: str, keys: Keys, *, insecure: bool) -> None:
    """Refuse to serve beyond this machine to everybody.

    Raises:
        ConfigError: says what to do instead.
    """
    if keys or insecure or _is_loopback(host):
        return
    raise ConfigError(
        f"Without API keys anybody who reaches {host} could read, write and swap models. Give keys "
        f"with --keys FILE or in {VARIABLE}, serve on 127.0.0.1, or say --insecure."
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
