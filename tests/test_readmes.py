"""README.zh.md says what README.md says: whoever changes one is told to change the other."""

from __future__ import annotations

import re
from itertools import zip_longest
from pathlib import Path

import pytest

from demos import gallery
from demos.catalogue import Demo

TOP = Path(__file__).parent.parent
ENGLISH, CHINESE = "README.md", "README.zh.md"
OTHER = {ENGLISH: f"[中文]({CHINESE})", CHINESE: f"[English]({ENGLISH})"}

FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
INLINE_CODE = r"`[^`]+`"
TARGET = r'\]\(([^)]+)\)|src="([^"]+)"'


def text_of(name: str) -> str:
    return (TOP / name).read_text(encoding="utf-8")


def blocks(name: str, text: str) -> list[str]:
    """A README's headings, paragraphs, lists, tables and code blocks, in order.

    The gallery is left out: `python -m demos.gallery --check` compares it.
    """
    text = re.sub(r"<!--.*?-->\n?", "", gallery.renewed(text, "", name))
    found = []
    for part in FENCED.split(text):
        found += [part] if part.startswith("```") else re.split(r"\n{2,}", part.strip("\n"))
    return [block for block in found if block]


def is_code(block: str) -> bool:
    return block.startswith(("```", "    "))


def targets(text: str) -> list[str]:
    """What the links and pictures point to."""
    return [link or picture for link, picture in re.findall(TARGET, text)]


def prose(text: str) -> str:
    """The text without its code and targets."""
    return re.sub(rf"{INLINE_CODE}|{TARGET}", "", text)


def kept(block: str) -> object:
    """What a translation leaves as it is: code, the kind of block, names, figures and targets."""
    if is_code(block):
        return block
    return {
        "heading": re.match("#*", block)[0],
        "items": len(re.findall(r"^(?:- |\|)", block, re.MULTILINE)),
        "names": {" ".join(code.split()) for code in re.findall(INLINE_CODE, block)},
        "figures": sorted(re.findall(r"\d+(?:[.,]\d+)*", prose(block))),
        "pictures": block.count("!["),
        "targets": sorted(targets(block)),
    }


def untranslated(block: str) -> list[str]:
    """Lines and descriptions of pictures that have words, but no Chinese ones."""
    if is_code(block):
        return []
    texts = prose(block).splitlines() + re.findall(r"!\[(.*?)\]", block, re.DOTALL)
    return [t for t in texts if re.search("[A-Za-z]{2}", t) and not re.search("[一-鿿]", t)]


def compare(english: str, chinese: str) -> None:
    """Fail at the first block in which the Chinese text has fallen behind."""
    (our_title, *ours), (their_title, *theirs) = blocks(ENGLISH, english), blocks(CHINESE, chinese)
    assert our_title == their_title
    assert (ours[0], theirs[0]) == (OTHER[ENGLISH], OTHER[CHINESE])
    for our, their in zip_longest(ours[1:], theirs[1:], fillvalue=""):
        assert kept(our) == kept(their), f"{ENGLISH}:\n{our}\n\n{CHINESE}:\n{their}"
        assert untranslated(their) == []


def missing(text: str) -> list[str]:
    """Relative targets that are no files and no folders."""
    local = [t for t in targets(text) if not re.match("[a-z]+:", t)]
    return [t for t in local if not (TOP / t.partition("#")[0]).exists()]


def changed(text: str, pattern: str, new: str) -> str:
    """The text with one replacement, which must be possible."""
    text, count = re.subn(pattern, new, text, count=1, flags=re.MULTILINE | re.DOTALL)
    assert count == 1
    return text


def test_the_chinese_readme_says_what_the_english_one_says() -> None:
    compare(text_of(ENGLISH), text_of(CHINESE))


@pytest.mark.parametrize("name", OTHER)
def test_links_and_pictures_are_there(name: str) -> None:
    assert missing(text_of(name)) == []


def test_a_missing_file_is_found() -> None:
    text = '[a](README.md#b) [c](no.md) ![d](no.svg) <img src="no.png"> [e](https://e.org/no)'
    assert missing(text) == ["no.md", "no.svg", "no.png"]


@pytest.mark.parametrize(
    ("pattern", "new"),
    [
        ("13,002 weights", "13,003 weights"),
        ("C = squared_error", "C = absolute_error"),  # in a code block
        (r"`C\.zero_grad\(\)`", "`C.clear()`"),
        ("^    ops  →", "    table  →"),
        ("^## Networks$", "### Networks"),
        ("^## Networks$", "## Networks\n\nA new paragraph."),
        (r"^- `micrograd/ops\.py`", "- A new item.\n- `micrograd/ops.py`"),
        (r"^\| `net\.save.*?\n", ""),
        (r"demos/pictures/page\.png", "demos/pictures/tree.png"),
        (r"!\[(The page)", r"[\1"),
        ("karpathy/micrograd", "karpathy/nanograd"),
        (r"\n\[CONTRIBUTING.*\Z", "\n"),
        (r"^\[中文\].*?\n", ""),
    ],
)
def test_a_change_of_the_english_readme_alone_is_found(pattern: str, new: str) -> None:
    with pytest.raises(AssertionError):
        compare(changed(text_of(ENGLISH), pattern, new), text_of(CHINESE))


def test_text_that_is_not_translated_is_found() -> None:
    english, chinese = text_of(ENGLISH), text_of(CHINESE)
    added = "\n\nA new paragraph."
    new_english = changed(english, "^## Networks$", "## Networks" + added)
    with pytest.raises(AssertionError, match=r"\['A new paragraph\.'\]"):
        compare(new_english, changed(chinese, "^## 网络$", "## 网络" + added))
    with pytest.raises(AssertionError, match="A page of 2-3-2"):
        compare(english, changed(chinese, r"!\[一个 2-3-2 [^]]*", "![A page of 2-3-2: −0.02695"))


def test_the_galleries_may_differ() -> None:
    demos = [Demo("one", "One of 2.", "one.svg", "`一`。")]
    compare(*(gallery.renewed(text_of(n), gallery.block(demos, n), n) for n in OTHER))
