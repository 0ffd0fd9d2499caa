"""`--https`: a phone reads the code, trusts the certificate, and its camera starts."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.https.address import qr_code
from app.https.certificate import certificate
from tests.app.server import Server, start
from tests.tiny import write_tiny

BLOCKS = {"█": (1, 1), "▀": (1, 0), "▄": (0, 1), " ": (0, 0)}
SQUARE = 8  # pixels


def read_code(printed: str) -> str:
    """What a phone's camera reads off the terminal: OpenCV's reader, on what was printed."""
    lines = [line for line in printed.splitlines() if line and set(line) <= set(BLOCKS)]
    rows = [[BLOCKS[mark][half] for mark in line] for line in lines for half in (0, 1)]
    picture = (255 * np.array(rows)).astype(np.uint8).repeat(SQUARE, 0).repeat(SQUARE, 1)
    return cv2.QRCodeDetector().detectAndDecode(picture)[0]


def test_the_code_says_the_address() -> None:
    for url in ("https://192.168.178.20:7860", "https://[fe80::1]:65535/things"):
        assert read_code(qr_code(url)) == url


def test_the_certificate_is_for_these_addresses_and_goes() -> None:
    with certificate("192.168.178.20") as made:
        found = x509.load_pem_x509_certificate(made.chain.read_bytes())
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        addresses = names.get_values_for_type(x509.IPAddress)
        assert ipaddress.ip_address("192.168.178.20") in addresses
        assert "localhost" in names.get_values_for_type(x509.DNSName)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(made.chain, made.key)
    assert not made.key.exists() and not made.chain.exists()


@pytest.mark.parametrize("name", ["my_laptop", "a" * 64])
def test_a_machine_whose_name_no_certificate_may_have_gets_one(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: name)
    with certificate("192.168.178.20") as made:
        assert b"CERTIFICATE" in made.chain.read_bytes()


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[Server]:
    server = start(tmp_path, "--https", "--checkpoint", str(write_tiny(tmp_path / "tiny")))
    yield server
    server.stop()


def pin(server: Server) -> str:
    """How Chromium is told to trust this certificate and no other."""
    host, port = server.url.removeprefix("https://").split(":")
    found = x509.load_pem_x509_certificate(ssl.get_server_certificate((host, int(port))).encode())
    key = found.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


@pytest.mark.browser
def test_a_phone_opens_the_code_and_has_a_camera(secure: Server) -> None:
    pytest.importorskip("playwright.sync_api")
    from playwright.sync_api import expect, sync_playwright

    from tests.app.people import PHONE, chromium, person

    printed = secure.log.read_text(encoding="utf-8")
    url = read_code(printed)
    assert url.startswith("https://") and url in printed and "choose Advanced" in printed
    flags = (
        f"--ignore-certificate-errors-spki-list={pin(secure)}",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
    )
    with (
        sync_playwright() as playwright,
        chromium(playwright, *flags) as browser,
        person(browser, url, **PHONE) as someone,
    ):
        page = someone.page
        expect(page.locator(".toggle")).to_have_text("Stop camera", timeout=30_000)
        assert page.evaluate("isSecureContext && document.querySelector('video').videoWidth > 0")
        someone.name("mug")
        someone.press("Record")  # over the line, which is secure too
        expect(page.locator(".card h3")).to_have_text("mug", timeout=20_000)
