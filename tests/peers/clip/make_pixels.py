"""Writes pixels.json: what CLIPImageProcessor makes of images that are easy to compute again, with
several settings. `pixels` are the bytes before they are rescaled, in base64; `values` is the hash of
the floats that a model gets, `first` some of them.

Usage: python make_pixels.py ../../data/models/clip     (needs transformers, pillow, numpy)
"""

import base64
import hashlib
import json
import pathlib
import sys

import numpy as np
from PIL import Image
from transformers import CLIPImageProcessor

CROP = {"crop_size": {"height": 24, "width": 24}}
SETTINGS = [
    {"size": {"shortest_edge": 24}, **CROP},
    {"size": {"height": 20, "width": 31}, "do_center_crop": False},
    {"size": 33, "crop_size": 30, "resample": 2, "image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.1]},
    {"size": {"shortest_edge": 15}, "crop_size": {"height": 24, "width": 17}},  # Smaller than the crop: black around it.
    {"size": {"shortest_edge": 24}, "resample": 1, "do_normalize": False, **CROP},
    {"size": {"shortest_edge": 24}, "resample": 4, "do_rescale": False, "do_normalize": False, **CROP},
    {"size": {"shortest_edge": 24}, "resample": 5, "rescale_factor": 0.01, **CROP},
    {"do_resize": False, **CROP},
]
SIZES = [(24, 24), (100, 61), (61, 100), (7, 5), (1, 1), (640, 3), (3, 640), (333, 250), (30, 200), (100, 310)]


def image(width, height):
    x, y, c = np.arange(width)[None, :, None], np.arange(height)[:, None, None], np.arange(3)[None, None, :]
    return Image.fromarray(((x * 7 + y * 13 + c * 29 + x * y % 251 + (x // 9 + y // 5) % 2 * 90) % 256).astype(np.uint8), "RGB")


def main(folder):
    rows = []
    for settings in SETTINGS:
        for width, height in SIZES:
            picture = image(width, height)
            plain = CLIPImageProcessor(**{**settings, "do_rescale": False, "do_normalize": False})(picture, return_tensors="np", input_data_format="channels_last")["pixel_values"][0]
            values = CLIPImageProcessor(**settings)(picture, return_tensors="np", input_data_format="channels_last")["pixel_values"][0].astype("<f4")
            rows.append({"settings": settings, "width": width, "height": height, "out_height": values.shape[1], "out_width": values.shape[2],
                         "pixels": base64.b64encode(plain.astype(np.uint8).tobytes()).decode(), "first": [float(v) for v in values.reshape(-1)[:4]], "values": "sha256:" + hashlib.sha256(values.tobytes()).hexdigest()})
    pathlib.Path(folder, "pixels.json").write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


if __name__ == "__main__":
    main(sys.argv[1])
