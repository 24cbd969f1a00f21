"""What the network says of the page's drawings: which card is most alike, which parts of it say so, and how it looks
inside.

A drawing comes as a PNG, and is read as ``predict`` reads pictures. ``Answers.look`` remembers the last ones; nothing
else is kept.
"""

import io
import threading
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Annotated

import msgspec
import numpy as np

from minisiamese.backend import to_device, to_host
from minisiamese.data import glyphs
from minisiamese.data.listing import DAMAGED_ZIP, is_hidden
from minisiamese.demo.pictures import BYTES, MAGNIFIED, coloured, montage, paper, picture_of, png_of, strip
from minisiamese.errors import BadInput
from minisiamese.evaluate.scoring import mean_embedding, views_of
from minisiamese.predict.occlusion import occlusion_map
from minisiamese.predict.pictures import one

CARDS = 20  # at most
REMEMBERED = 256  # drawings
ALPHABETS = 10_000  # invented ones
WINDOW, STRIDE = 7 / 52, 3 / 52  # of a view's side: the square that is hidden, from place to place
BLOCKS = 2  # whose feature maps are shown

Png = Annotated[bytes, msgspec.Meta(max_length=BYTES)]
Cards = Annotated[list[Png], msgspec.Meta(min_length=1, max_length=CARDS)]


class Query(msgspec.Struct, forbid_unknown_fields=True):
    """Cards, and a drawing to compare with them, if there is one yet."""

    cards: Cards
    query: Png | None = None


class Pair(msgspec.Struct, forbid_unknown_fields=True):
    """A drawing, and the card that it is compared with."""

    query: Png
    card: Png


class Number(msgspec.Struct, forbid_unknown_fields=True):
    """The number of an invented alphabet."""

    number: Annotated[int, msgspec.Meta(ge=0, lt=ALPHABETS)]


class Alphabet(msgspec.Struct, forbid_unknown_fields=True):
    """All cards."""

    cards: Cards


class Zip(msgspec.Struct, forbid_unknown_fields=True):
    """A file with an alphabet."""

    zip: bytes


@dataclass(frozen=True)
class Look:
    """A drawing as the network sees it: ``pixels`` (1, 105, 105, 1), its embedding z (D,), and why they are not to be
    trusted; or ``error``, why there are none."""

    pixels: np.ndarray | None = None
    z: np.ndarray | None = None
    doubts: tuple[str, ...] = ()
    error: str | None = None

    @property
    def notes(self):
        """What the page says of the drawing."""
        return (self.error,) if self.error else self.doubts


class Answers:
    """The answers of a ``Model``, one at a time: ``alone`` is the lock that whoever else asks the model takes, too.

    ``questions`` has a method for each question of the page, and the type of what it is asked.
    """

    def __init__(self, model):
        self.model, self.alone = model, threading.RLock()
        self.look = lru_cache(REMEMBERED)(self._look)
        self.embedding(np.zeros((1, model.side, model.side, 1), np.uint8))  # the first one takes longer
        self.questions = {
            "rank": (self.rank, Query),
            "why": (self.why, Pair),
            "inside": (self.inside, Pair),
            "invented": (self.invented, Number),
            "pack": (self.pack, Alphabet),
            "unpack": (self.unpack, Zip),
        }

    def _look(self, png):
        """The ``Look`` of a drawing."""
        try:
            pixels, doubts = self.model.read(one(picture_of(png), "the drawing"))
        except BadInput as error:
            return Look(error=str(error))
        return Look(pixels[None], self.embedding(pixels[None]), doubts)

    def embedding(self, pixels):
        """z (D,) of pixels (1, 105, 105, 1), as ``predict`` computes it."""
        model = self.model
        return mean_embedding(model.network, pixels, model.device, model.settings.measuring.views)[0]

    def seen(self, png, name):
        """The ``Look`` of a drawing; BadInput, which names it, if it cannot be read."""
        look = self.look(png)
        if look.error:
            raise BadInput(look.error.replace("the drawing", name))
        return look

    def rank(self, asked):
        """{"p": the probability of each card, None of one that cannot be read, "notes": what is doubtful in each,
        "query": what is doubtful in the drawing}."""
        with self.alone:
            cards = [self.look(card) for card in asked.cards]
            query = Look() if asked.query is None else self.look(asked.query)
            read = [place for place, card in enumerate(cards) if card.z is not None and query.z is not None]
            found = self.model.compare(query.z, np.stack([cards[place].z for place in read])).tolist() if read else []
        p = dict(zip(read, found, strict=True))
        return {
            "p": [p.get(place) for place in range(len(cards))],
            "notes": [card.notes for card in cards],
            "query": query.notes,
        }

    # --- inside -------------------------------------------------------------------------------------------------------

    def why(self, asked):
        """{"query", "card"}: pictures of both drawings' views, coloured by what each place adds to the score."""
        with self.alone:
            x = self.views(asked)
            return {
                "query": coloured(self.parts(x[0], x[1]), x[0]),
                "card": coloured(self.parts(x[1], x[0]), x[1]),
            }

    def views(self, asked):
        """(2, size, size, 1): both drawings as the network computes with them, values 0 to 1."""
        looks = [self.seen(asked.query, "your drawing"), self.seen(asked.card, "the card")]
        pixels = np.concatenate([look.pixels for look in looks])
        return to_host(views_of(self.model.network, pixels)(np.arange(2)))

    def parts(self, view, other):
        """The ``occlusion_map`` of the score of a view with another one, smoothed to a value for each pixel."""
        network, device = self.model.network, self.model.device

        def score(views):
            z = network.forward(to_device(np.concatenate([views, other[None]]), device), train=False)
            return to_host(network.head.score(z[:-1] - z[-1]))

        window, stride = (max(1, round(part * len(view))) for part in (WINDOW, STRIDE))
        m, (total, times) = occlusion_map(score, view, window, stride), np.zeros((2, *view.shape[:2]))
        for i, j in np.ndindex(m.shape):
            place = np.s_[stride * i : stride * i + window, stride * j : stride * j + window]
            total[place] += m[i, j]
            times[place] += 1
        return total / np.maximum(times, 1)

    def inside(self, asked):
        """{"view", "maps" of the first blocks, "embeddings" of both drawings, "distance", what each feature adds to the
        score} as pictures, the number of "features", the probability "p", and that of drawings "alike" in all of them.

        The maps are those of the view that is shown, the embeddings the means that probabilities are computed from.
        """
        model = self.model
        with self.alone:
            x = self.views(asked)[:1]
            y, maps = to_device(x, model.device), []
            for layer in model.network.twin.layers:
                y = layer.forward(y, train=False)
                if y.ndim == 4 and len(maps) < BLOCKS and layer.arrays():
                    maps.append(to_host(y[0]))
            z = np.stack([self.look(asked.query).z, self.look(asked.card).z])
            parts = self.by_feature(z[0] - z[1])
            alike, p = model.compare(z[0], z).tolist()
        return {
            "view": png_of(paper(x[0, :, :, 0]), MAGNIFIED),
            "maps": [{"picture": png_of(montage(each), 2 + 2 * k), "shape": each.shape} for k, each in enumerate(maps)],
            "embeddings": [strip(each, min(z.min(), 0), z.max(), "Greys") for each in z],
            "distance": strip(parts, -np.abs(parts).max(), np.abs(parts).max(), "PuOr_r"),
            "features": len(parts),
            "p": p,
            "alike": alike,
        }

    def by_feature(self, difference):
        """(D,): what each feature adds to the score, alpha_j |z_aj - z_bj| of the L1 head, or of one of distances the
        negative share in the squared distance."""
        alpha = self.model.network.head.params.get("alpha")
        return -(difference**2) if alpha is None else to_host(alpha) * np.abs(difference)

    # --- alphabets ----------------------------------------------------------------------------------------------------

    def invented(self, asked):
        """{"cards": the drawings of one invented hand, at most as many as there are cards}."""
        alphabet = glyphs.make([asked.number], drawers=1, quiet=True)
        return {"cards": [png_of(255 - drawing[:, :, 0], 2) for drawing in alphabet.images[:CARDS]]}

    def pack(self, asked):
        """{"zip": the cards as 01.png, 02.png, ...}, which ``unpack`` and ``predict --support`` read."""
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for number, card in enumerate(asked.cards, start=1):
                picture_of(card)
                archive.writestr(f"{number:02d}.png", card)
        return {"zip": file.getvalue()}

    def unpack(self, asked):
        """{"cards": the PNG files in a zip, by name, at most as many as there are cards, "left": how many more there
        are}; BadInput if it holds none. Hidden files are left out."""
        try:
            with zipfile.ZipFile(io.BytesIO(asked.zip)) as archive:
                found = [each for each in archive.infolist() if each.filename.lower().endswith(".png")]
                found = [each for each in found if not is_hidden(PurePosixPath(each.filename))]
                entries = sorted(found, key=lambda entry: entry.filename)[:CARDS]
                cards = [archive.open(entry).read(BYTES + 1) for entry in entries]
        except (*DAMAGED_ZIP, ValueError) as error:  # of a place before the file's beginning
            raise BadInput(f"the file is not a whole zip ({error})") from None
        for entry, card in zip(entries, cards, strict=True):
            try:
                picture_of(card)
            except BadInput as error:
                raise BadInput(f"{entry.filename} in the zip: {error}") from None
        if not cards:
            raise BadInput("the zip holds no PNG files")
        return {"cards": cards, "left": len(found) - len(cards)}
