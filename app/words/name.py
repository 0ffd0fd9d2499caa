"""The name that a person types for a thing: tidied, or refused in the language of their page."""

from __future__ import annotations

import unicodedata

from app.words.language import Refused, Said
from model import InputError
from model.support import MAX_NAME, check_name


def tidy(name: str) -> str:
    """Without stray blanks and in one Unicode form: what looks alike is alike."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def checked(name: str) -> str:
    """The tidied name; raises Refused where `model.support.check_name` would object."""
    name = tidy(name)
    try:
        check_name(name)
    except InputError as error:
        long = len(name) > MAX_NAME
        key = "name-long" if long else "name-unseen" if name else "name-missing"
        values = {"name": name[:20] if long else name, "length": len(name), "most": MAX_NAME}
        raise Refused(Said(key, values)) from error
    return name
