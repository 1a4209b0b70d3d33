"""How alike two spellings are, and whether one is in a text. Pure text, no knowledge of names or addresses."""

import html
import re
import unicodedata

# Letters that Unicode does not split into a letter and an accent.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i"})
_APOSTROPHES = str.maketrans(dict.fromkeys("'’‘‛`´ʹʻʼʽˈˊꞌ′‵＇", ""))
_UNSEEN = frozenset({"Mn", "Me", "Cf"})
_ENTITY = re.compile(r"&(?:#\d{2,6}|#x[0-9a-f]{2,6}|[a-z]{2,8});", re.IGNORECASE)
_VOWEL = re.compile(r"[aeiou]")
_DOT_OF_INITIAL = re.compile(r"(?<=\b[^\W\d_])\.(?=[^\W\d_]\b)")


def folded(text: str) -> str:
    """`text` in lower case, without accents, apostrophes and letters that nobody sees, initials joined.

    `O'Neill, É.J.` -> `oneill, ej.`.
    """
    if "&" in text or not text.isascii():
        text = unspoilt(text)
    if text.isascii():  # true for nearly every text, and ten times as fast
        return _DOT_OF_INITIAL.sub("", text.replace("'", "").replace("`", "").casefold())
    whole = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES))
    plain = "".join(letter for letter in whole if unicodedata.category(letter) not in _UNSEEN)
    return _DOT_OF_INITIAL.sub("", plain.casefold().translate(_LETTERS))


def unspoilt(text: str) -> str:
    """What was typed, where a system stored it as HTML (`O&#39;Neill`) or took its UTF-8 for Latin letters (`JosÃ©`).

    Any other text as it is.
    """
    text = _ENTITY.sub(lambda found: html.unescape(found[0]), text) if "&" in text else text
    if text.isascii():
        return text
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return text


def stands_alone_in(text: str, word: str) -> bool:
    """Whether a reference or a mail address is in a text as such, and not as a part of another one."""
    return re.search(rf"(?<![\w+-])(?<!\w\.){re.escape(word)}(?![\w-]|\.\w)", text) is not None


def is_shortened(one: str, two: str) -> bool:
    """Whether one of two words is the other without its vowels, such as `PLSNT` for `PLEASANT`."""
    short, long = sorted((one.casefold(), two.casefold()), key=len)
    return len(short) > 2 and short[:1] == long[:1] and short == long[:1] + _VOWEL.sub("", long[1:])


def is_abbreviated(one: str, two: str) -> bool:
    """Whether one of two words can be short for the other, letters left out: `BROS` for `BROTHERS`, `N` for `NORTH`."""
    short, long = sorted((one.casefold(), two.casefold()), key=len)
    letters = iter(long)
    return bool(short) and short[0] == long[0] and all(letter in letters for letter in short)


def distance(first: str, second: str) -> int:
    """The number of letters to change, add, drop or exchange with their neighbour to make one text the other.

    This is the Damerau-Levenshtein distance in its "optimal string alignment" form.
    """
    before: list[int] = []
    row = list(range(len(second) + 1))
    for i, letter in enumerate(first):
        earlier, before, row = before, row, [i + 1]
        for j, other in enumerate(second):
            cost = min(before[j + 1] + 1, row[j] + 1, before[j] + (letter != other))
            if i and j and letter == second[j - 1] and first[i - 1] == other:
                cost = min(cost, earlier[j - 1] + 1)
            row.append(cost)
    return row[-1]
