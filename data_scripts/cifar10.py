"""Turn CIFAR-10 into folders of images to train on.

    python data_scripts/cifar10.py --out OUT
    python -m minisiamese.train folder --data-dir OUT/train --flips

OUT/train/CLASS and OUT/test/CLASS hold its images as PNG. OUT shows the same classes in both; of OUT/train alone, the
second command keeps two of the ten classes apart, to test on what was never seen.
"""

import minisiamese  # noqa: F401  first of all, so that Ctrl-C ends the program in one line while it imports the others

# isort: split

from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from minisiamese.commands.doors import front_door, parse
from minisiamese.data import cifar10
from minisiamese.errors import BadInput


@dataclass(frozen=True)
class Config:
    """Turn CIFAR-10 into folders of images, OUT/train/CLASS and OUT/test/CLASS."""

    # Folder for them; files that are there are left as they are, so a run that was stopped can be made again.
    out: Path
    # The one folder to look for cifar10/ in. Default: $MINISIAMESE_DATA, else the user's cache, else a download.
    data_dir: Path | None = None


def main():
    config = parse(Config, "python data_scripts/cifar10.py")
    parts = cifar10.load(config.data_dir)
    try:
        for split, dataset in parts.items():
            for name in dataset.class_names:
                (config.out / split / name).mkdir(parents=True, exist_ok=True)
            part = config.out / "image.part"
            for number, image in enumerate(tqdm(dataset.images, desc=split, unit=" images", disable=None)):
                path = config.out / split / dataset.class_names[dataset.labels[number]] / f"{number:05d}.png"
                if not path.exists():
                    Image.fromarray(image).save(part, "png")
                    part.replace(path)
            print(f"{config.out / split}: {len(dataset.class_names)} classes, {len(dataset.images):,} images")
    except OSError as error:
        raise BadInput(f"--out: cannot write {config.out} ({error.strerror or error})") from None


if __name__ == "__main__":
    front_door(main)
