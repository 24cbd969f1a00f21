"""A page of pictures, each beside what the network saw of it."""

import numpy as np
from matplotlib.figure import Figure

from minisiamese import plots
from minisiamese.backend import to_host
from minisiamese.data.images import read_image
from minisiamese.errors import BadInput
from minisiamese.evaluate.scoring import views_of
from minisiamese.predict.pictures import one

MOST = 20  # pictures beside the query
COLUMNS = 3
LARGEST = 400  # pixels of a picture's longer side on the page


def page(model, captioned, path):
    """Write ``path``, a PNG: of each (path, caption) the picture, and the view of it that the network computes with."""
    pictures = [(one(source, "images"), caption) for source, caption in captioned]
    images = np.stack([model.read(picture)[0] for picture, _ in pictures])
    views = np.uint8(255 * to_host(views_of(model.network, images)(np.arange(len(images)))))
    columns = min(COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    figure = Figure(figsize=(4.2 * columns, 2.5 * rows), layout="constrained")
    grid = figure.subplots(rows, 2 * columns, squeeze=False).ravel()
    for axes in grid:
        axes.axis("off")
    for place, ((picture, caption), view) in enumerate(zip(pictures, views, strict=True)):
        left, right = grid[2 * place : 2 * place + 2]
        image = read_image(picture.file, picture.name).convert("RGB")
        image.thumbnail((LARGEST, LARGEST))
        left.imshow(image)
        left.set_title(picture.source.name, fontsize=9, parse_math=False)
        plots.picture(right, view)
        right.set_title(caption, fontsize=9)
        right.axis("on")
    figure.suptitle("each picture, and what the network sees", fontsize=10)
    try:
        plots.save(figure, path, dpi=130)
    except OSError as error:
        raise BadInput(f"--show: {path} cannot be written ({error.strerror or error})") from None
