"""Writes small pictures of every kind that is decoded, and expected.json: their pixels as Pillow
reads them, turned by their EXIF orientation and put over white, in base64.

Usage: python make_images.py .      (needs the package pillow)
"""

import base64
import io
import json
import pathlib
import struct
import sys
import zlib

from PIL import Image, ImageOps

WIDTH, HEIGHT = 23, 14


def painted(mode="RGB"):
    """Smooth enough for JPEG, different in every corner."""
    image = Image.new("RGBA", (WIDTH, HEIGHT))
    for y in range(HEIGHT):
        for x in range(WIDTH):
            image.putpixel((x, y), (x * 11 % 256, y * 18 % 256, (x + y) * 6 % 256, 40 + x * 9 if x < 20 else 0))
    return image if mode == "RGBA" else image.convert("RGB").convert(mode)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def interlaced_png(image):
    """Adam7, which Pillow does not write."""
    rows = b""
    for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
        for y in range(y0, HEIGHT, dy):
            rows += b"\0" + b"".join(bytes(image.getpixel((x, y))) for x in range(x0, WIDTH, dx))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def grey16_png():
    rows = b"".join(b"\0" + b"".join(struct.pack(">H", (x * 2800 + y * 17) % 65536) for x in range(WIDTH)) for y in range(HEIGHT))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def exif(orientation):
    data = Image.Exif()
    data[0x0112] = orientation
    return data


def offset_gif(image):
    """A frame inside of a larger screen, with a transparent colour and the rows interlaced."""
    data = bytearray(saved(image, "GIF", transparency=image.getpixel((0, 0)), interlace=1))
    at = data.index(b"\x2c", 13 + 3 * (2 << (data[10] & 7)))
    data[6:10] = struct.pack("<HH", WIDTH + 6, HEIGHT + 5)
    data[at + 1:at + 5] = struct.pack("<HH", 4, 2)
    return bytes(data)


def files():
    rgb, rgba, palette = painted(), painted("RGBA"), painted().quantize(16)
    other = Image.new("RGB", (WIDTH, HEIGHT), (10, 200, 90))
    yield "rgb.png", saved(rgb, "PNG")
    yield "rgba.png", saved(rgba, "PNG")
    yield "grey.png", saved(painted("L"), "PNG")
    yield "black_and_white.png", saved(painted("1"), "PNG")
    yield "palette.png", saved(palette, "PNG", transparency=3)
    yield "grey16.png", grey16_png()
    yield "interlaced.png", interlaced_png(rgb)
    yield "turned.png", saved(rgb, "PNG", exif=exif(6))
    yield "rgb.jpg", saved(rgb, "JPEG", quality=90)
    yield "sharp.jpg", saved(rgb, "JPEG", quality=90, subsampling=0)
    yield "progressive.jpg", saved(rgb, "JPEG", quality=80, progressive=True)
    yield "grey.jpg", saved(painted("L"), "JPEG", quality=90)
    yield "cmyk.jpg", saved(painted("CMYK"), "JPEG", quality=90)
    for orientation in range(1, 9):
        yield f"orientation_{orientation}.jpg", saved(rgb, "JPEG", quality=90, exif=exif(orientation))
    yield "lossy.webp", saved(rgb, "WEBP", quality=80)
    yield "lossless.webp", saved(rgba, "WEBP", lossless=True, exact=True)
    yield "turned.webp", saved(rgb, "WEBP", quality=80, exif=exif(8))
    yield "animated.webp", saved(rgba, "WEBP", lossless=True, exact=True, save_all=True, append_images=[other.convert("RGBA")], duration=100)
    yield "palette.gif", saved(palette, "GIF", interlace=0)
    yield "animated.gif", saved(palette, "GIF", save_all=True, append_images=[other.quantize(4)], duration=100)
    yield "offset.gif", offset_gif(palette)


def seen(name, data):
    image = Image.open(io.BytesIO(data))
    if name == "grey16.png":  # Pillow cuts 16 bits instead of scaling them.
        return Image.frombytes("L", image.size, bytes((v * 255 + 32895) >> 16 for v in image.get_flattened_data())).convert("RGB")
    image = ImageOps.exif_transpose(image)
    if image.mode == "CMYK":
        return image.convert("RGB")
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    if name == "offset.gif":  # What lies around the frame is transparent; Pillow paints it black.
        for y in range(image.height):
            for x in range(image.width):
                if not (4 <= x < 4 + WIDTH and 2 <= y < 2 + HEIGHT):
                    image.putpixel((x, y), (0, 0, 0, 0))
    return Image.alpha_composite(white, image).convert("RGB")


def main(folder):
    expected = []
    for name, data in files():
        pathlib.Path(folder, name).write_bytes(data)
        image = seen(name, data)
        expected.append({"file": name, "width": image.width, "height": image.height, "rgb": base64.b64encode(image.tobytes()).decode()})
    rows = ",\n".join(json.dumps(row) for row in expected)
    pathlib.Path(folder, "expected.json").write_text("[\n" + rows + "\n]\n")


if __name__ == "__main__":
    main(sys.argv[1])
