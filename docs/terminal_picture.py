"""Draws a terminal's text as SVG: `make --silent demo ONCE=1 | .venv/bin/python docs/terminal_picture.py > FILE.svg`.

Nothing is added to what the demo printed, besides the command and colours for headings, labels and quoted mail.
"""

import re
import sys
from html import escape

COMMAND = "$ make demo ONCE=1"
LINE, LETTER, MARGIN, BAR = 20, 8.43, 24, 36
HEADING, LABEL, QUOTED, PLAIN, PROMPT = "#8bd5ff", "#a6b3c2", "#d9c27a", "#e6edf3", "#7ee2a8"


def main() -> None:
    """Read the text from stdin, write the picture to stdout."""
    lines = [COMMAND, "", *sys.stdin.read().rstrip().splitlines()]
    width = round(max(len(line) for line in lines) * LETTER) + 2 * MARGIN
    height = BAR + len(lines) * LINE + MARGIN
    dots = "".join(
        f'<circle cx="{20 + 20 * number}" cy="18" r="6" fill="{colour}"/>'
        for number, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))
    )
    texts = "\n".join(drawn(line, BAR + (number + 1) * LINE) for number, line in enumerate(lines) if line)
    sys.stdout.write(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' role="img" aria-label="What make demo prints">\n'
        f'<rect width="{width}" height="{height}" rx="10" fill="#0f1720"/>\n{dots}\n'
        '<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace" font-size="14"'
        f' style="white-space:pre">\n{texts}\n</g>\n</svg>\n'
    )


def drawn(line: str, y: int) -> str:
    """One line of text with its colours, `y` pixels below the top."""
    spans = "".join(
        f'<tspan fill="{colour}"{weight}>{escape(text)}</tspan>' for text, colour, weight in parts(line) if text
    )
    length = f' textLength="{round(len(line) * LETTER, 1)}" lengthAdjust="spacingAndGlyphs"'
    return f'<text x="{MARGIN}" y="{y}" xml:space="preserve"{length}>{spans}</text>'


def parts(line: str) -> list[tuple[str, str, str]]:
    """The line's pieces, each with its colour and weight."""
    bold = ' font-weight="bold"'
    if line.startswith("$ "):
        return [("$ ", PROMPT, bold), (line[2:], PLAIN, bold)]
    if re.match(r"\d  |Where to look", line):
        return [(line, HEADING, bold)]
    if line.startswith("   "):
        colour = QUOTED if line[12:].startswith("|") else PLAIN
        return [(line[:12], LABEL, ""), (line[12:], colour, "")]
    return [(line, PLAIN, "")]


if __name__ == "__main__":
    main()
