"""The sentences of app/page/languages/, which page and app share: English here, and for the page by
their keys, as it may be in another language (see page/language.js).
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TypeAlias

from model import InputError

LANGUAGES = Path(__file__).resolve().parents[1] / "page" / "languages"
ENGLISH = "en"

Value: TypeAlias = "str | int | float | Sequence[str] | Said"


@cache
def sentences(language: str) -> dict[str, str | dict[str, str]]:
    """{key: a sentence with places for {values}, or {plural form: sentence}}."""
    return json.loads((LANGUAGES / f"{language}.json").read_text(encoding="utf-8"))


def language_files() -> list[str]:
    """The files of the languages, as paths below app/page/."""
    return [f"languages/{language}.json" for language in languages()]


def in_english(page: str) -> str:
    """A page's HTML with a sentence in each {key}; what keeps nothing else in braces."""
    return re.sub(r"\{([\w-]+)\}", lambda found: html.escape(str(Said(found[1]))), page)


@cache
def languages() -> list[str]:
    """Those that there is a file of."""
    return sorted(file.stem for file in LANGUAGES.glob("*.json"))


@dataclass(frozen=True)
class Said:
    """A sentence with its values, one of which may be `count`; as a string it is English."""

    key: str
    values: Mapping[str, Value] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.in_language(ENGLISH)

    def in_language(self, language: str) -> str:
        """The sentence as its file has it; one that counts in English alone: the plurals of others
        are the page's.
        """
        sentence = sentences(language)[self.key]
        if isinstance(sentence, dict):
            assert language == ENGLISH, f"{self.key} counts"
            sentence = sentence["one" if self.values["count"] == 1 else "other"]
        return sentence.format_map({n: _written(v, language) for n, v in self.values.items()})

    @property
    def message(self) -> dict[str, object]:
        """For the page, as JSON."""
        values = {n: v.message if isinstance(v, Said) else v for n, v in self.values.items()}
        return {"key": self.key, "values": values}

    @property
    def told(self) -> dict[str, object]:
        """For a page: the sentence in English, and by its key."""
        return {"text": str(self), "said": self.message}


class Refused(InputError):
    """What a person can mend, in the language of their page; elsewhere it is English."""

    def __init__(self, said: Said) -> None:
        super().__init__(str(said))
        self.said = said


def problem(error: InputError) -> dict[str, object]:
    """For a page: the sentence in English, and by its key where it has one."""
    return error.said.told if isinstance(error, Refused) else {"text": str(error)}


def _written(value: Value, language: str) -> str | int | float:
    if isinstance(value, str | int | float):
        return value
    if isinstance(value, Said):
        return value.in_language(language)
    return str(sentences(language)["comma"]).join(value)
