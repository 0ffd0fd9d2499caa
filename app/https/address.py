"""Where a phone finds this machine: its address in the network, and that as a QR code to print."""

from __future__ import annotations

import io
import socket

import segno

ELSEWHERE = ("192.0.2.1", 9)  # reserved for documentation (RFC 5737): nobody is there


def network_address() -> str:
    """The address that this machine has in its network, 127.0.0.1 if it is in none.

    The system says from where it would send; a UDP socket that is only connected sends nothing.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect(ELSEWHERE)
        except OSError:
            return "127.0.0.1"
        return asked.getsockname()[0]


def qr_code(text: str) -> str:
    """A QR code of characters that are half a square high, for a dark terminal or a light one."""
    drawn = io.StringIO()
    segno.make(text, micro=False).terminal(drawn, border=3, compact=True)
    return drawn.getvalue()
