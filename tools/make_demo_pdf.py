#!/usr/bin/env python3
"""Sets demo/guide.md as demo/documents/guide.pdf: headings in larger type, paragraphs, several pages.

The PDF is written by hand (ISO 32000-1, the fourteen standard fonts), so that nothing has to be installed, and it is
the same bytes every time. Usage: tools/make_demo_pdf.py [SOURCE [TARGET]]
"""
import pathlib
import sys
import zlib

ROOT = pathlib.Path(__file__).parent.parent
WIDTH, HEIGHT, MARGIN = 595, 842, 72  # A4 in points
TITLE, HEADING, BODY = ("F2", 22), ("F2", 14), ("F1", 11)

# Advance widths of Helvetica and Helvetica-Bold for 32..126, in thousandths of the size (Adobe's font metrics).
REGULAR = [278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278] + [556] * 10 + [
    278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667,
    778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556,
    556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584]
BOLD = [278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278] + [556] * 10 + [
    333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833, 722, 778, 667,
    778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556, 333, 556, 611, 556, 611, 556, 333, 611,
    611, 278, 278, 556, 278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584]


def width(text, font, size):
    widths = REGULAR if font == "F1" else BOLD
    return sum(widths[ord(character) - 32] for character in text) * size / 1000


def wrapped(text, font, size):
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and width(longer, font, size) > WIDTH - 2 * MARGIN:
            yield line
            line = word
        else:
            line = longer
    yield line


def blocks(markdown):
    """(font and size, text) of each heading and paragraph."""
    for block in markdown.strip().split("\n\n"):
        if block.startswith("## "):
            yield HEADING, block[3:]
        elif block.startswith("# "):
            yield TITLE, block[2:]
        else:
            yield BODY, " ".join(block.split())


def escaped(text):
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def pages(markdown):
    """The drawing operators of each page."""
    page, y = [], HEIGHT - MARGIN
    for (font, size), text in blocks(markdown):
        lines = list(wrapped(text, font, size))
        leading = size * 1.4
        y -= size if (font, size) == BODY else size * 1.2
        # A heading stays with the lines that follow it, and a paragraph is not torn off after its first line.
        if y - leading * min(len(lines), 3) < MARGIN + (0 if (font, size) == BODY else 60):
            yield page
            page, y = [], HEIGHT - MARGIN - size
        for line in lines:
            if y < MARGIN:
                yield page
                page, y = [], HEIGHT - MARGIN - size
            page.append(f"BT /{font} {size} Tf {MARGIN} {y:.1f} Td ({escaped(line)}) Tj ET")
            y -= leading
    yield page


def pdf(markdown):
    title = next(text for style, text in blocks(markdown) if style == TITLE)
    drawn = list(pages(markdown))
    first_page = 5
    kids = " ".join(f"{first_page + 2 * number} 0 R" for number in range(len(drawn)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R /Lang (en) >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(drawn)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
    ]
    for number, operators in enumerate(drawn):
        footer = f"BT /F1 9 Tf {WIDTH / 2:.0f} 40 Td ({number + 1}) Tj ET"
        stream = zlib.compress("\n".join([*operators, footer]).encode("cp1252"), 9).decode("latin-1")
        objects.append(f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {WIDTH} {HEIGHT}] /Contents {first_page + 2 * number + 1} 0 R "
                       "/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>")
        objects.append(f"<< /Length {len(stream)} /Filter /FlateDecode >>\nstream\n{stream}\nendstream")
    objects.append(f"<< /Title ({escaped(title)}) /Author (Slipway) /CreationDate (D:20260101000000Z) >>")
    return assembled(objects)


def assembled(objects):
    out, offsets = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R /Info {len(objects)} 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


def main():
    source = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "demo/guide.md"
    target = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "demo/documents/guide.pdf"
    target.write_bytes(pdf(source.read_text()))


if __name__ == "__main__":
    main()
