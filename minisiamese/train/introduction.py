"""What a training says of itself before its first step, and how long it will take once a few steps have been timed."""

from minisiamese.criteria import CRITERIA
from minisiamese.data import DATASETS
from minisiamese.data.folder import weakness
from minisiamese.runs.build import MADE_UP, MADE_UP_STEPS, part_of, takes_classes

TIMED = 5, 3.0  # steps, and seconds, after which a training knows how long it takes


def introduction(trainer, validation):
    """The lines that say what a ``Trainer`` trains on, on which images it is validated, what a step is, where it
    computes, and where it writes."""
    settings, network = trainer.settings, trainer.network
    of_network, data = settings.network, settings.data
    weights = sum(array.size for name, array in network.arrays().items() if not name.endswith((".mean", ".var")))
    trained = sum(array.size for _, layer in network.walk() for array in layer.params.values())
    start = of_network.start or of_network.weights
    started = f", from {start}" if start else ""
    some = f", {trained:,} of them trained" if trained < weights else ""
    side, steps, threads = trainer.material.dataset.images.shape[1], settings.learning.steps, settings.machine.threads
    seen = f"{network.size} x {network.size}, {'as they are framed' if data.frame == 'page' else 'framed by their ink'}"
    return [
        *_data(trainer, validation),
        f"images: {'grey' if trainer.channels == 1 else 'colour'}, {side} x {side} pixels, seen at {seen}",
        f"network: {of_network.name}, {weights:,} weights{started}{some}",
        f"loss: {settings.loss.name}, {_of_a_step(trainer)} a step, "
        + (f"{steps:,} steps" if steps else f"steps for {settings.learning.minutes:g} minutes"),
        f"computing on {trainer.device}, {threads} thread{'s' * (threads > 1)}; writing to {settings.machine.out}",
    ]


def _data(trainer, validation):
    """The lines about the images."""
    settings, source = trainer.settings, DATASETS[trainer.settings.data.name]
    turned, name = settings.data.turn, settings.machine.data_dir if source.needs else settings.data.name
    images = f"{_counted(trainer.material.dataset, source, 4 if turned else 1)}{', in all four turns' * turned}"
    tests = "the evaluation alphabets are opened at the end"
    weak = None
    if not source.has_alphabets:
        evaluation = part_of("evaluation", settings)
        tests, weak = f"tests on {_counted(evaluation, source)}", weakness(evaluation)
    held = _counted(validation, source)
    if not settings.holds_out:
        held = "these alphabets in mirror writing, since none is held out: the last weights are kept"
    lines = [f"training on {name}: {images}", f"validation on {held}; {tests}"]
    for kind, share in trainer.shares.items():
        of = "alphabets of chimeras, halves of two characters each" if kind == "chimeras" else "invented alphabets"
        lines.append(f"instead, {share:.0%} of the steps are of {of}, {MADE_UP} new ones every {MADE_UP_STEPS} steps")
    return lines + [weak] * bool(weak)


def _counted(dataset, source, copies=1):
    """How many images a data set has, of how many classes, ``copies`` of each counted once."""
    classes, images = len(dataset.rows_of_class) // copies, len(dataset.images) // copies
    if not source.has_alphabets:
        return f"{images:,} images of {classes:,} classes"
    return f"{images:,} drawings of {classes:,} characters of {len(dataset.group_names) // copies} alphabets"


def _of_a_step(trainer):
    """The pairs, triplets or classes of a step."""
    sampler = trainer.material.sampler
    if takes_classes(trainer.settings):
        return f"{sampler.ways} classes of {sampler.drawings} images"
    return f"{sampler.count} {CRITERIA[trainer.settings.loss.name].tuples}"


def outlook(trainer, step, seconds):
    """How long the rest of a training takes, in words; None until ``TIMED`` have passed since ``step`` and its
    ``seconds``, and while the number of steps is open."""
    steps, passed = trainer.step - step, trainer.seconds - seconds
    if not trainer.steps or steps < TIMED[0] or passed < TIMED[1]:
        return None
    each = passed / steps + trainer.validation_seconds / trainer.settings.measuring.validate_every
    return f"about {_duration(each * (trainer.steps - trainer.step))} of training to go, without its tests"


def _duration(seconds):
    """ "40 seconds", "3 minutes" or "2.5 hours"."""
    if seconds < 90:
        return f"{max(1, round(seconds / 10)) * 10} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
