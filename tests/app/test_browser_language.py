"""In a real browser: the page speaks the language of the browser, to eyes and ears."""

import re
from typing import NamedTuple

import pytest

pytest.importorskip("playwright.sync_api")
pytest.importorskip("axe_playwright_python.sync_playwright")
from playwright.sync_api import Browser, FilePayload, expect

from tests.app.people import DESKTOP, PHONE, Person, person
from tests.app.server import Server
from tests.app.test_browser_axe import complaints
from tests.app.test_browser_phone import TEACH

pytestmark = pytest.mark.browser
# A stand-in for the voice of the machine, which notes what it was to say, and as what.
STUB = """
window.said = [];
Object.defineProperty(window, "speechSynthesis", {
  value: { speak: ({ text, lang }) => said.push([text, lang]), cancel() {} },
});
"""
HTML = "['lang', 'dir'].map((one) => document.documentElement.getAttribute(one))"


class Words(NamedTuple):
    """What the page is to say in a language."""

    locale: str
    direction: str
    title: str
    tab: str
    recording: str
    kept: str
    learned: str


SPOKEN = {
    "en": Words(
        "en-GB", "ltr", "Teach it your things", "Name a video", "Recording mug",
        r"Kept (only )?\d+ frames? of mug.*Now a second thing\.",
        r"Learned \d+ frames of 2 things in \d+\.\d s",
    ),
    "de": Words(
        "de-AT", "ltr", "Bringen Sie der App Ihre Dinge bei", "Video benennen",
        "mug wird aufgenommen", r"\d+ (Bild|Bilder) von mug behalten.*Jetzt ein zweites Ding\.",
        r"\d+ Bilder von 2 Dingen gelernt, in \d+,\d s",
    ),
    "ar": Words(
        "ar-EG", "rtl", "علّم التطبيق أشياءك", "تسمية فيديو", "جارٍ تسجيل mug",
        r"حُفظ من mug.*والآن شيئًا ثانيًا\.",
        r"تعلّم .* من شيئين خلال [٠-٩]+٫[٠-٩] ث",
    ),
}  # fmt: skip


def record(someone: Person, thing: str) -> None:
    """Whatever the buttons are called."""
    page = someone.page
    page.locator("#thing-name").fill(thing)
    page.locator(".teach .record").click()
    page.wait_for_timeout(1200)
    page.locator(".teach .record").click()
    expect(page.locator(".card h3", has_text=thing)).to_be_visible(timeout=15_000)


@pytest.mark.parametrize("language", SPOKEN)
def test_teaching_in_the_language_of_the_browser(
    browser: Browser, quick: Server, language: str
) -> None:
    words = SPOKEN[language]
    with person(browser, quick.url, script=STUB, locale=words.locale) as someone:
        page = someone.page
        assert page.evaluate(HTML) == [language, words.direction]
        expect(page.locator("h1")).to_have_text(words.title)
        expect(page).to_have_title(words.title)
        expect(page.get_by_role("tab", name=words.tab, exact=True)).to_be_visible()
        page.locator(".speak select").select_option("everything")
        record(someone, "mug")
        page.wait_for_function("said.length > 1 && !/^.$/.test(said.at(-1)[0])")
        said = page.evaluate("said")
        assert said[0] == [words.recording, language]
        assert re.search(words.kept, said[-1][0]) and said[-1][1] == language
        page.locator(".speak select").select_option("off")
        record(someone, "keys")
        expect(page.locator("p[role=status]")).to_have_text(re.compile(words.learned))
        expect(page.locator(".lesson p")).to_have_text(re.compile(words.learned))
        assert page.evaluate(HTML) == [language, words.direction], "after Gradio has settled, too"


def test_the_address_may_ask_for_a_language(browser: Browser, quick: Server) -> None:
    with person(browser, f"{quick.url}/?lang=de") as someone:
        assert someone.page.evaluate(HTML) == ["de", "ltr"]
        expect(someone.page.get_by_role("tab", name="Mitnehmen")).to_be_visible()
        expect(someone.page.locator(".toggle")).to_have_text("Kamera stoppen", timeout=15_000)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_from_right_to_left(browser: Browser, quick: Server, size: dict) -> None:
    found: dict[str, list[str]] = {}
    with person(browser, quick.url, locale="ar", **size) as someone:
        page = someone.page
        someone.forgiving = True  # a refused order stands on the console

        def look(state: str) -> None:
            found[state] = complaints(page, "light", "dark")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), state

        expect(page.locator(".toggle")).to_have_text("إيقاف الكاميرا", timeout=15_000)
        look("nothing taught")
        page.evaluate(TEACH, ["زجاجة ماء", "my mug"])
        expect(page.locator(".report li").first).to_be_visible(timeout=20_000)
        if (more := page.locator(".card .more").first).is_visible():
            more.click()
        page.locator(".card summary").first.click()
        look("two things taught")
        page.locator("#thing-name").fill("m" * 101)
        page.locator(".teach .record").click()
        trouble = page.locator(".trouble")
        expect(trouble).to_contain_text("استخدم 100 على الأكثر")
        assert [trouble.get_attribute(one) for one in ("lang", "dir")] == ["ar", "rtl"]
        page.locator("#thing-name").fill("mug")
        text = FilePayload(name="text.mp4", mimeType="video/mp4", buffer=b"this is no video")
        page.locator("#new-files").set_input_files(text)
        line = trouble.locator("span")
        expect(line).to_contain_text("text.mp4", timeout=20_000)
        assert [line.get_attribute(one) for one in ("lang", "dir")] == ["en", "ltr"]
        look("an error of the app, which speaks English")
        page.get_by_role("tab").nth(1).click()
        page.locator(".tries button").first.click()
        expect(page.locator("#video-seen caption")).to_have_text("ما ظهر ومتى", timeout=60_000)
        expect(page.locator("#video-say")).to_contain_text("عدد اللقطات المسمّاة")
        look("a video named")
        page.get_by_role("tab").nth(2).click()
        expect(page.locator("#model-say")).to_contain_text("عدد الأشياء", timeout=60_000)
        look("the model to take away")
    assert not [told for state in found.values() for told in state]
