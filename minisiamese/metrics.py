"""metrics.jsonl, what a run logs of its steps, and its progress on the terminal."""

import json
import signal

from tqdm import tqdm

from minisiamese import checkpoint


def open_metrics(path, step):
    """metrics.jsonl, open for appending, without the lines that a resumed run will write again."""
    kept = []
    if path.exists():
        for line in path.read_text().splitlines():
            try:
                if json.loads(line)["step"] <= step:
                    kept.append(line)
            except ValueError:  # a line cut short when the run was killed
                break
    checkpoint.save_text(path, "".join(line + "\n" for line in kept) if step else "")
    return open(path, "a", buffering=1)


def log(metrics, bar, **values):
    """One line of metrics.jsonl, and its loss or accuracy at the end of the progress bar."""
    metrics.write(json.dumps(values) + "\n")
    shown = {"loss": "{:.3f}", "validation_accuracy": "{:.1%}"}
    bar.state = getattr(bar, "state", {}) | {
        key: form.format(values[key]) for key, form in shown.items() if key in values
    }
    bar.set_postfix(bar.state, refresh=False)


def say(line):
    """A line above the progress bar."""
    try:
        tqdm.write(line)
    except BrokenPipeError:  # nobody reads any more: save and stop, as on Ctrl-C
        signal.raise_signal(signal.SIGINT)
