"""The files of the languages: the same keys and places in each, none unused and none missing."""

import re
from pathlib import Path

import pytest

from app.ui.words import LABELS, in_words, say
from app.words.language import ENGLISH, Said, in_english, languages, sentences
from model import InputError

APP = Path(__file__).resolve().parents[2] / "app"
PLACE = re.compile(r"\{(\w+(?::\.\d+f)?)\}")
# Unicode's forms of whole numbers (CLDR), as browsers' Intl.PluralRules name them.
FORMS = {
    "en": {"one", "other"},
    "de": {"one", "other"},
    "ar": {"zero", "one", "two", "few", "many", "other"},
}


def places(sentence: str | dict[str, str]) -> set[str]:
    forms = [sentence] if isinstance(sentence, str) else sentence.values()
    return {place for form in forms for place in PLACE.findall(form)}


@pytest.mark.parametrize("language", languages())
def test_every_language_says_all_that_english_says(language: str) -> None:
    english, theirs = sentences(ENGLISH), sentences(language)
    assert list(theirs) == list(english), "in the same order, too"
    for key, sentence in english.items():
        assert places(theirs[key]) == places(sentence), key
        if isinstance(sentence, dict):
            assert set(theirs[key]) == FORMS[language], key
        else:
            assert isinstance(theirs[key], str), key
        assert not re.search("[<>]|&\\w|  ", str(theirs[key])), "it becomes HTML"


def test_every_sentence_is_used_and_there_is_one_for_every_use() -> None:
    files = [p for p in APP.rglob("*") if p.suffix in (".js", ".py", ".html")]
    code = "\n".join(path.read_text(encoding="utf-8") for path in files)
    words = set(re.findall(r"""["'{`>]([a-z][a-z-]*)["'}`<]""", code))
    begun = set(re.findall(r"t\(`([a-z]+-)\$\{", code))  # of what the coach says, say
    begun |= {"report-clips", "report-parts"}  # hardly, nearly
    known = set(sentences(ENGLISH))
    used = {key for key in known if key in words or key.startswith(tuple(begun))}
    assert known - used == set()
    asked = set(re.findall(r"""(?:\bt|\bcounted|Said|refusal|label)\(\s*"([a-z-]+)\"""", code))
    asked |= set(re.findall(r"""(?:key: |(?<!access)key=|Refused\()"([a-z-]+)\"""", code)) | set(
        LABELS
    )
    assert asked - known == set()


def test_english_sentences_with_their_values() -> None:
    clips = Said("clips", {"count": 2})
    assert str(Said("keep-back", {"clips": clips})) == "Your things are back: 2 clips"
    assert str(Said("megabytes", {"size": 0.04})) == "0.0 MB"
    assert str(Said("standalone-names", {"names": ["a", "b"]})).startswith("Names a, b.")
    assert Said("keep-back", {"clips": clips}).message["values"] == {"clips": clips.message}
    assert in_english("<title>{title}</title>") == "<title>Teach it your things</title>"


def test_a_sentence_in_another_language_has_its_values_in_it_too() -> None:
    said = Said("video-teach-first", {"reason": Said("nearest", {"name": "keys"})})
    assert "am ähnlichsten: keys" in said.in_language("de")
    assert said.in_language("en") == str(said)


def test_what_the_page_puts_into_words_is_escaped() -> None:
    evil = "<script>'\""
    for markup in (in_words(Said("kept", {"name": evil, "frames": evil})), say(InputError(evil))):
        assert "<script" not in markup and "&lt;script" in markup
    assert 'lang="en" dir="ltr"' in say(InputError("An error of the app."))
