"""Fails unless a PNG file holds a picture worth the name: python3 not_blank.py FILE."""

import struct
import sys
import zlib


def rows_of(path):
    """Yields the unfiltered rows of an 8-bit RGB or RGBA PNG file, and the bytes of a pixel."""
    data = open(path, "rb").read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n", "not a PNG file"
    position, packed = 8, b""
    while position < len(data):
        (size,), kind = struct.unpack(">I", data[position : position + 4]), data[position + 4 : position + 8]
        body = data[position + 8 : position + 8 + size]
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", body)
            assert depth == 8 and colour in (2, 6) and not interlaced, "not plain 8-bit RGB or RGBA"
        elif kind == b"IDAT":
            packed += body
        position += size + 12
    item = 4 if colour == 6 else 3
    pixels, stride = zlib.decompress(packed), width * item
    last = bytearray(stride)
    for y in range(height):
        start = y * (stride + 1)
        filtering, row = pixels[start], bytearray(pixels[start + 1 : start + 1 + stride])
        for x in range(stride):
            left = row[x - item] if x >= item else 0
            up, corner = last[x], last[x - item] if x >= item else 0
            if filtering == 1:
                row[x] = (row[x] + left) & 255
            elif filtering == 2:
                row[x] = (row[x] + up) & 255
            elif filtering == 3:
                row[x] = (row[x] + (left + up) // 2) & 255
            elif filtering == 4:
                guess = left + up - corner
                near = min((left, up, corner), key=lambda value: abs(guess - value))
                row[x] = (row[x] + near) & 255
        last = row
        yield row, item


def main(path):
    # The middle of the window is the picture; a window that drew its panels only is blank there.
    rows = list(rows_of(path))
    middle = rows[len(rows) // 4 : len(rows) // 2]
    colours, lit, total = set(), 0, 0
    for row, item in middle:
        for x in range(len(row) // item // 4, len(row) // item // 2):
            pixel = bytes(row[x * item : x * item + 3])
            colours.add(pixel)
            lit += max(pixel) > 40
            total += 1
    print(f"{path}: {len(colours)} colours in the middle, {100 * lit // total} % of it lit")
    if len(colours) < 32 or lit < total // 50:
        sys.exit(f"{path}: the picture is blank")


main(sys.argv[1])
