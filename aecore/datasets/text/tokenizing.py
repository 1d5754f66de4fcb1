"""Text into sentences (NLTK's Punkt; Kiss and Strunk, 2006) and sentences into words (NLTK's word tokenizer)."""

import re
import sys
import warnings
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from aecore.settings import Settings

NUMBER = "9"
TRAINING_SAMPLE = 400_000  # characters on which Punkt is trained where its data is missing: a second
LONGEST_PIECE = 20_000  # characters that Punkt gets at once, which bounds its time
_MODEL = "tokenizers/punkt_tab/english/"
_CACHED_WORDS = 200_000
_NUMBER_MARKS = str.maketrans("", "", ".,-/")
# Sentences also end where other scripts end theirs; Punkt knows only the Latin marks.
_OTHER_ENDS = re.compile(r"(?<=[。！？｡।॥؟۔።։])\s*")  # noqa: RUF001
# Words that NLTK's rules leave alone, besides the comma or the sentence's last full stop: four out of five.
_PLAIN = re.compile(r"([^\W_]+(?:[-./][^\W_]+)*|\d+(?:[.,/-]\d+)*)([.,]?)")
_CONTRACTED = re.compile(r"cannot|gimme|gonna|gotta|lemme|wanna")
_PIECE = re.compile(rf".{{1,{LONGEST_PIECE}}}(?:\s+|$)|.{{1,{LONGEST_PIECE}}}", re.DOTALL)


class Splitter(NamedTuple):
    """Splits text into sentences.

    Attributes:
        split: from a text without line breaks to its sentences.
        words: which splitter it is, for a visitor.
    """

    split: Callable[[str], list[str]]
    words: str


def splitter(settings: Settings, sample: Callable[[], Iterable[str]] | None = None) -> Splitter:
    """NLTK's own Punkt model where it is found, else one that is trained now.

    Training takes words that stand before nearly every full stop for abbreviations. In a short or uniform text those
    are the ends of its sentences, which is why a text that may be either is not what Punkt is trained on.

    Args:
        settings: where NLTK's data may lie, besides the folders that NLTK searches itself.
        sample: gives texts on which Punkt is trained if it has to be; only the first `TRAINING_SAMPLE` characters
            are read. Without it, Punkt is trained on Python's reference.
    """
    from nltk.tokenize.punkt import PunktSentenceTokenizer

    parameters, words = _installed(settings), "NLTK's Punkt model for English (punkt_tab)"
    if parameters is None:
        parameters = _trained(_beginning(sample())) if sample else _trained_on_reference()
        what = "this text itself" if sample else "Python's reference"
        words = f"a Punkt model trained on {what}, as NLTK's punkt_tab data is not on this machine"
    return Splitter(_splitting(PunktSentenceTokenizer(parameters)), words)


def _trained(text: str):
    from nltk.tokenize.punkt import PunktTrainer

    return PunktTrainer(text).get_params()


@lru_cache(maxsize=1)
def _trained_on_reference():
    from pydoc_data.topics import topics

    return _trained(_beginning(topics[name] for name in sorted(topics)))


def has_punkt(settings: Settings) -> bool:
    """Whether NLTK's own Punkt model is found and can be read."""
    return _installed(settings) is not None


def tokenize(sentence: str) -> list[str]:
    """The words of a sentence: lower case, as NLTK's word tokenizer cuts them, each number as "9".

    A number is made of digits and the marks . , - / and nothing else.
    """
    return _words().cut(sentence.lower())


class _Words:
    """NLTK's word tokenizer, asked once for each word between blanks.

    Its rules look no further than the blanks around a word, except at the ends of a sentence: the first word, and
    the last ones from the last that holds a letter or digit, are given to it as they stand there. Plain words are
    not given to it at all.
    """

    def __init__(self):
        from nltk.tokenize.destructive import NLTKWordTokenizer

        self._tokenize = NLTKWordTokenizer().tokenize
        self._first: dict[str, list[str]] = {}
        self._inside: dict[str, list[str]] = {}
        self._last: dict[str, list[str]] = {}

    def cut(self, text: str) -> list[str]:
        parts = text.split()
        end = next((i for i in range(len(parts) - 1, -1, -1) if any(map(str.isalnum, parts[i]))), -1)
        if end < 1:
            return [_mapped(word) for word in self._tokenize(" ".join(parts))]
        words = list(self._ask(self._first, parts[0], "{} x", 0, -1))
        known = self._inside.get
        for part in parts[1:end]:
            words += known(part) or self._ask(self._inside, part, "x {} x", 1, -1)
        words += self._ask(self._last, " ".join(parts[end:]), "x {}", 1, None)
        return words

    def _ask(self, cache: dict[str, list[str]], part: str, frame: str, start: int, stop: int | None) -> list[str]:
        known = cache.get(part)
        if known is None:
            cut = _plain(part, "." if stop is None else ",") or self._tokenize(frame.format(part))[start:stop]
            known = [sys.intern(_mapped(word)) for word in cut]
            if len(cache) >= _CACHED_WORDS:
                cache.clear()
            cache[part] = known
        return known


def _plain(part: str, mark: str) -> list[str] | None:
    """The word, and the mark where it ends with it; None where NLTK has to be asked."""
    plain = _PLAIN.fullmatch(part)
    if plain is None or _CONTRACTED.search(part) or plain[2] not in ("", mark):
        return None
    return [plain[1], mark] if plain[2] else [plain[1]]


@lru_cache(maxsize=1)
def _words() -> _Words:
    """Made on first use, as NLTK takes two seconds to import."""
    return _Words()


def _mapped(word: str) -> str:
    return NUMBER if word.translate(_NUMBER_MARKS).isdigit() else word


def _installed(settings: Settings):
    """The parameters of NLTK's own Punkt model, or None where it is nowhere, damaged, or refused by NLTK."""
    import nltk.data
    from nltk.tabdata import PunktDecoder
    from nltk.tokenize.punkt import PunktParameters

    folders = [folder / "nltk_data" for folder in (settings.data_dir, settings.download_dir) if folder]
    for folder in [*map(str, folders), *nltk.data.path]:
        with warnings.catch_warnings():
            # NLTK warns of a folder that other accounts can write to, and goes on without it; so does this.
            warnings.simplefilter("ignore", RuntimeWarning)
            try:
                found = Path(str(nltk.data.find(_MODEL, paths=[folder])))
            except (LookupError, OSError, ValueError):
                continue
        parameters, decoder = PunktParameters(), PunktDecoder()
        try:
            with (found / "collocations.tab").open(encoding="utf-8") as file:
                parameters.collocations = set(decoder.tab2tups(file))
            with (found / "sent_starters.txt").open(encoding="utf-8") as file:
                parameters.sent_starters = decoder.txt2set(file)
            with (found / "abbrev_types.txt").open(encoding="utf-8") as file:
                parameters.abbrev_types = decoder.txt2set(file)
            with (found / "ortho_context.tab").open(encoding="utf-8") as file:
                parameters.ortho_context = decoder.tab2intdict(file)
        except (OSError, ValueError, KeyError, IndexError):
            continue
        return parameters
    return None


def _beginning(texts: Iterable[str]) -> str:
    parts, size = [], 0
    for text in texts:
        parts.append(text[: TRAINING_SAMPLE - size])
        size += len(parts[-1])
        if size >= TRAINING_SAMPLE:
            break
    return "\n".join(parts)


def _splitting(punkt) -> Callable[[str], list[str]]:
    def split(text: str) -> list[str]:
        pieces = [text] if len(text) <= LONGEST_PIECE else _PIECE.findall(text)
        parts = (part for piece in pieces for part in _OTHER_ENDS.split(piece) if part)
        return [sentence for part in parts for sentence in punkt.tokenize(part) if sentence]

    return split
