"""Cases of images, folders and zips of images that are damaged, odd, or of bad intent."""

import io
import os
import shutil
import struct
import zipfile
import zlib

import numpy as np
from PIL import Image

from tests.campaign.damage import NESTED, contents, flip
from tests.campaign.doors import DOORS
from tests.campaign.values import BUSY

CLAIMED = (0, 1, 9_000, 12_000, 13_000, 60_000, 2**31 - 1, 2**32 - 1)  # pixels of a side
FORMS = "png jpeg gif bmp tiff webp ppm tga ico".split()
MODES = "1 L P LA RGB RGBA CMYK I I;16 F YCbCr HSV".split()
SIZES = ((1, 1), (1, 9000), (9000, 1), (2, 2), (3, 1))
NAMES = ("\u00e4\U0001f600.png", "a\nb.png", "\udcff.png", "x" * 250 + ".png", " .png", "-x.png", "%s.png", "'\"$.png")
TEXTS = (b"text", b"<svg/>", b"%!PS\n", b"%PDF-1.4", NESTED.encode(), b"P1 1", b"P6\n99999 99999 255\n", b"")


# --- one image --------------------------------------------------------------------------------------------------------


def _png_of(width, height, data, depth=1):
    """A PNG that says that it is of a size."""
    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(data, 1)), (b"IEND", b"")]
    chunks = (
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _saved(image, form, **options):
    """The bytes of a file of this form, or of a PNG where it has no images of the kind."""
    file = io.BytesIO()
    try:
        image.save(file, form, **options)
    except (OSError, ValueError):
        image.convert("L").save(file, "png")
    return file.getvalue()


def _of_mode(rng, image):
    mode, values = rng.choice(MODES), np.asarray(image, np.float32) * rng.choice((1, 257, np.nan, 1e38))
    if mode == "F":
        return Image.fromarray(values)
    return Image.fromarray(np.nan_to_num(values).astype(np.uint16)) if mode == "I;16" else image.convert(mode)


def _flipped(rng, data):
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 5, 50))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def an_image(rng, good):
    """(what it is, the bytes of an odd image file); ``good`` are those of a good one."""
    image, form = Image.open(io.BytesIO(good)).convert("L"), rng.choice(FORMS)
    data, side, exif = _saved(image, form), rng.choice((9_000, 12_000, 13_000)), rng.choice((b"MM\x00*", b"II*\x00"))
    kinds = {
        "cut": lambda: data[: rng.randrange(len(data))],
        "flipped": lambda: _flipped(rng, data),
        "claim": lambda: _png_of(
            rng.choice(CLAIMED), rng.choice(CLAIMED), bytes(rng.choice((0, 10**6))), rng.choice((1, 8, 16))
        ),
        "square claim": lambda: _png_of(*[rng.choice(CLAIMED)] * 2, bytes(100)),
        "large": lambda: _png_of(side, side, bytes((side // 8 + 1) * side)),
        "blank": lambda: _saved(Image.new("L", rng.choice(SIZES), rng.choice((0, 128, 255))), form),
        "mode": lambda: _saved(_of_mode(rng, image), form),
        "animated": lambda: _saved(image, "gif", save_all=True, append_images=[image.rotate(90), image.rotate(180)]),
        "exif": lambda: _saved(image, "jpeg", exif=b"Exif\x00\x00" + exif + rng.randbytes(60)),
        "text": lambda: rng.choice(TEXTS),
    }
    kind = rng.choice(["cut", "flipped", *kinds])
    return f"{kind} {form}", kinds[kind]()


def _place(case, path, data):
    """The file, or now and then something that is none under its name."""
    how = case.rng.choice(("pipe", "folder", "device", "itself", *["file"] * 30))
    case.tell(f"{path.name!r} is a {how}")
    if how == "pipe":
        os.mkfifo(path)
    elif how == "folder":
        path.mkdir()
    elif how == "file":
        path.write_bytes(data)
    else:
        path.symlink_to("/dev/zero" if how == "device" else path)


def picture(case):
    """An odd image for predict: one of two, or one in the folder."""
    case.bring("images")
    good = (case.folder / "images/c0/0.png").read_bytes()
    kind, data = an_image(case.rng, good)
    case.tell(kind)
    name = case.rng.choice((*NAMES, *["x.png", "x.jpg", "x.gif", "x"] * 8))
    (case.folder / "some").mkdir()
    (case.folder / "some/good.png").write_bytes(good)
    _place(case, case.folder / "some" / name, data)
    path, other = f"some/{name}", "images/c1/0.png"
    calls = [[other, path], ["--support", "some", other], ["--support", "images/c0", path]]
    case.judge(case.fork("predict", case.rng.choice(calls)))


# --- folders and zips -------------------------------------------------------------------------------------------------


def _train(case, path):
    door = case.rng.choice(("train", "train", "train", "train", "train", "maml", "sweeps"))
    case.judge(case.fork(door, DOORS[door].arguments(data_dir=path), busy=BUSY), (0, 2, 130))


def folder(case):
    """An odd folder of images, to train on."""
    rng, top = case.rng, case.folder / "some"
    case.bring("images")
    shutil.copytree(case.folder / "images", top)
    good = (top / "c0/0.png").read_bytes()

    def odd_image():
        kind, data = an_image(rng, good)
        case.tell(kind)
        path = top / f"c{rng.randrange(7)}" / rng.choice((*NAMES, *["0.png"] * 10))
        path.unlink(missing_ok=True)
        _place(case, path, data)

    def few():
        for path in rng.sample(sorted(top.rglob("*.png")), rng.randrange(29)):
            path.unlink()

    odd_names = ("\udcff", "a\nb", "\U0001f600", "x" * 255, " ", "-", "c0.png")
    changes = {
        "image": odd_image,
        "few": few,
        "itself": lambda: (top / "c0/loop").symlink_to(top),
        "class is itself": lambda: (top / "loop").symlink_to(rng.choice((top, "loop", top / "c1"))),
        "dangling": lambda: (top / rng.choice(("c0/a.png", "cx"))).symlink_to("nowhere"),
        "empty class": lambda: (top / "cx").mkdir(),
        "on top": lambda: (top / "x.png").write_bytes(good),
        "deep": lambda: shutil.copytree(top / "c1", top / "c2/c3"),
        "odd class": lambda: (top / "c0").rename(top / rng.choice(odd_names)),
        "train alone": lambda: shutil.move(top / "c0", top / "train"),
        "divided": lambda: [shutil.copytree(case.folder / "images", top / part) for part in ("train", "test")],
        "other files": lambda: (top / "c0/x.txt").write_bytes(b"text"),
    }
    name = rng.choice((*changes, *["image"] * 8))
    case.tell(name)
    changes[name]()
    _train(case, "some")


RENAMED = {"absolute": "/{}", "above": "../{}", "backslash": "a\\{}", "control": "\x01{}", "dot": "./{}"}
ENTRIES = {
    "flags": 8,
    "method": 10,
    "date": 14,
    "sizes": 20,
    "more sizes": 24,
    "name": 28,
}  # where a central entry has it


def zipped(case):
    """An odd zip of images, to train on."""
    rng, path = case.rng, case.folder / "some.zip"
    case.bring("images")
    files = {
        str(each.relative_to(case.folder / "images")): each.read_bytes()
        for each in sorted((case.folder / "images").rglob("*.png"))
    }
    how = rng.choice(
        (*RENAMED, *ENTRIES, "twice", "link", "bomb", "comment", "image", "nothing", "flip", "contents", "good")
    )
    few = [*files] if rng.random() < 0.5 else [rng.choice([*files])]
    if how == "image":
        files[few[0]] = an_image(rng, files[few[0]])[1]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {} if how == "nothing" else files.items():
            archive.writestr(RENAMED.get(how, "{}").format(name) if name in few else name, data)
            if how == "twice" and name in few:
                archive.writestr(name, data)
        entry = zipfile.ZipInfo("c0/x.png")
        if how == "link":
            entry.external_attr = 0o120777 << 16
            archive.writestr(entry, "/etc/passwd")
        if how == "bomb":
            archive.writestr(entry, bytes(300 << 20), zipfile.ZIP_DEFLATED)
        archive.comment = b"PK\x05\x06" * 9 if how == "comment" else b""
    if how in ENTRIES:
        _damage_entries(path, ENTRIES[how], rng)
    case.tell({"flip": flip, "contents": contents}.get(how, lambda *_: how)(case, path))
    _train(case, "some.zip")


def _damage_entries(path, offset, rng):
    """Another number in the first or in all of a zip's entries; the local ones have it two bytes before."""
    data, number, everywhere = (
        bytearray(path.read_bytes()),
        rng.choice((b"\1\0", b"\x63\0", b"\xff\xff")),
        rng.random() < 0.5,
    )
    for mark, place in ((b"PK\x01\x02", offset), (b"PK\x03\x04", offset - 2)):
        at = data.find(mark)
        while at >= 0:
            data[at + place : at + place + 2] = number
            at = data.find(mark, at + 4) if everywhere else -1
    path.write_bytes(data)


KINDS = {
    "images: one": (picture, 9),
    "images: folder": (folder, 6),
    "images: zip": (zipped, 6),
}
