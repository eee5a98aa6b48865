"""The sentences of pictures, explanations and the page: one catalogue a language.

>>> text("parameter", "zh"), text("after_several", "en", n=3)
('参数', 'after 3 changes:')
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final

LANGUAGES: Final = ("en", "zh")


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """All sentences of a language, by what they are called."""
    file = resources.files("viz").joinpath("languages", f"{language}.json")
    return dict(json.loads(file.read_text(encoding="utf-8")))


def text(key: str, language: str, **places: object) -> str:
    """A sentence, with what stands in its places."""
    return catalogue(language)[key].format(**places)


def check_language(function: str, language: object) -> str:
    """Give the language back, or raise ValueError in that function's name if there is none."""
    if language not in LANGUAGES:
        raise ValueError(
            f"{function}: expected lang to be one of {', '.join(LANGUAGES)}, got {language!r}"
        )
    return str(language)
