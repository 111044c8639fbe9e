"""Draws what a terminal showed as an SVG picture, for the README.

    script -qec 'stty cols 96; build/slipway ask "..."' /dev/null | python3 tools/terminal_picture.py > docs/images/ask.svg

Understands the ANSI colours and weights that Slipway prints; drops every other control sequence.
"""
import html
import re
import sys

CHARACTER, LINE, MARGIN = 8.4, 19, 18
COLOURS = {31: "#ff7b72", 32: "#7ee787", 33: "#f2cc60", 34: "#79c0ff", 35: "#d2a8ff", 36: "#76e3ea"}
SEQUENCE = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])|\x1b\][^\x07]*\x07|\r(?!\n)|[\x00-\x08\x0b-\x1a]")


def spans(line: str, style: dict) -> list[tuple[str, dict]]:
    """Runs of text with their style; `style` goes on into the next line."""
    found, at = [], 0
    for match in SEQUENCE.finditer(line):
        if line[at : match.start()]:
            found.append((line[at : match.start()], dict(style)))
        at = match.end()
        if match.group(2) != "m":
            continue
        for code in (int(c or 0) for c in match.group(1).split(";")):
            if code == 0:
                style.clear()
            elif code == 1:
                style["font-weight"] = "bold"
            elif code == 2:
                style["opacity"] = "0.65"
            elif code == 4:
                style["text-decoration"] = "underline"
            elif code == 22:
                style.pop("font-weight", None), style.pop("opacity", None)
            elif code in COLOURS:
                style["fill"] = COLOURS[code]
            elif code == 39:
                style.pop("fill", None)
    if line[at:]:
        found.append((line[at:], dict(style)))
    return found


def last_frame(line: str) -> str:
    """What a line that redraws itself (a progress bar) shows in the end."""
    return line.rstrip("\r").split("\r")[-1]


def main() -> None:
    lines = [last_frame(line) for line in sys.stdin.read().rstrip().split("\n")]
    style: dict = {}
    rows, columns = [], 0
    for number, line in enumerate(lines):
        parts, width = [], 0
        for text, look in spans(line, style):
            attributes = "".join(f' {key}="{value}"' for key, value in look.items())
            parts.append(f"<tspan{attributes}>{html.escape(text)}</tspan>")
            width += len(text)
        columns = max(columns, width)
        rows.append(f'<text x="{MARGIN}" y="{MARGIN + 30 + number * LINE}">{"".join(parts)}</text>')
    width, height = columns * CHARACTER + 2 * MARGIN, len(lines) * LINE + 2 * MARGIN + 22
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" font-size="14" xml:space="preserve" '
          'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" fill="#e6edf3">')
    print(f'<rect width="{width:.0f}" height="{height}" rx="10" fill="#0d1117"/>')
    for x, colour in ((20, "#ff5f57"), (40, "#febc2e"), (60, "#28c840")):
        print(f'<circle cx="{x}" cy="18" r="6" fill="{colour}"/>')
    print("\n".join(rows))
    print("</svg>")


if __name__ == "__main__":
    main()
