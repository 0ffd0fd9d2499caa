"""A certificate for this machine, as files that a server reads once."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme


@dataclass(frozen=True)
class Certificate:
    """Where the certificate with its chain lies, and its private key."""

    chain: Path
    key: Path


@contextmanager
def certificate(*addresses: str) -> Iterator[Certificate]:
    """One for these addresses, localhost and this machine's name; gone when the block ends."""
    names = dict.fromkeys((*addresses, "localhost", "127.0.0.1"))
    authority = trustme.CA(organization_name="Teach it your things")
    try:
        made = authority.issue_cert(*names, socket.gethostname())
    except UnicodeError:  # the machine's name is none of the internet, with an underscore in it say
        made = authority.issue_cert(*names)
    with TemporaryDirectory() as folder:  # which its user alone may enter
        found = Certificate(Path(folder, "chain.pem"), Path(folder, "key.pem"))
        for number, part in enumerate(made.cert_chain_pems):
            part.write_to_path(str(found.chain), append=number > 0)
        made.private_key_pem.write_to_path(str(found.key))
        yield found
