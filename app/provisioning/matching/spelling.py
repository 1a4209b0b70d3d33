"""How alike two spellings are, and whether one is in a text. Pure text, no knowledge of names or addresses."""

import re
import unicodedata

# Letters that Unicode doesn't take apart into a letter and an accent.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i"})
_APOSTROPHES = str.maketrans(dict.fromkeys("'’‘`´ʻʼ", ""))
_DOT_OF_INITIAL = re.compile(r"(?<=\b[^\W\d_])\.(?=[^\W\d_]\b)")


def folded(text: str) -> str:
    """`text` in lower case, without accents and apostrophes, initials joined: `O'Neill, É.J.` -> `oneill, ej.`."""
    plain = "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))
    return _DOT_OF_INITIAL.sub("", plain.casefold().translate(_LETTERS).translate(_APOSTROPHES))


def stands_alone_in(text: str, word: str) -> bool:
    """Whether a reference or a mail address is in a text as such, and not as a part of another one."""
    return re.search(rf"(?<![\w+-])(?<!\w\.){re.escape(word)}(?![\w-]|\.\w)", text) is not None


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
