"""What the bench measured, as tables in Markdown."""

from statistics import median

GIGA = 1e9


def describe(result):
    """The measurements of ``bench`` as tables."""
    unit = "pairs" if result["loss"] == "bce" else "classes x 4"
    where = f"{result['gpu']}, float32 without TF32, " if result["gpu"] else ""
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    lines = []
    if result["fastest"]:
        ratios = ", ".join(f"{ratio:.2f}" for ratio in result["peers"][result["fastest"]]["ratios"])
        fastest = f"PyTorch's fastest step ({result['fastest']})"
        lines.append(f"Our step takes **{result['ratio']:.2f}** of {fastest}; round by round: {ratios}\n")
    lines += [
        f"One training step of {result['network']}: {result['size']} {unit}, loss {result['loss']}, "
        f"{result['optimizer']}; {where}{result['threads']} threads, {versions}\n",
        f"| | median step (least to most) | ours / it | peak memory | {result['embedded']} embeddings | ours / it |",
        "|---|---|---|---|---|---|",
        _row("minisiamese", result["ours"], "", ""),
    ]
    for peer, measured in result["peers"].items():
        ratios = [f"{median(measured[key]):.2f}" if measured[key] else "" for key in ("ratios", "embedding_ratios")]
        lines.append(_row(f"PyTorch {peer}, channels {measured['channels']}", measured, *ratios))
    if not result["peers"]:
        what = "not installed" if result["device"] == "cpu" else "not installed, or one without CUDA"
        lines.append(f"\nPyTorch is {what}: pip install -e '.[bench]' to compare")
    lines += [
        f"\nMatrix products: {result['gflops']:.0f} GFLOP/s by the definition of the layers, "
        f"{result['gflops_done']:.0f} really done; the machine's peak is {result['peak_gflops']:.0f}. "
        f"Sampling and distortion, before a step, take {result['draw_seconds']:.3f} s.\n",
        "| layer | forward, ms | backward, ms | GFLOP by definition | GFLOP done | GFLOP/s done |",
        "|---|---|---|---|---|---|",
    ]
    for row in result["layers"]:
        line = f"| {row['layer']} | {1e3 * row['forward']:.1f} | {1e3 * row['backward']:.1f} "
        if "gflop" in row:
            speed = row["gflop_done"] / (row["forward"] + row["backward"])
            lines.append(line + f"| {row['gflop']:.1f} | {row['gflop_done']:.1f} | {speed:.0f} |")
        else:
            lines.append(line + "| | | |")
    header = f"| {unit} | our step | our memory | PyTorch's fastest step | its memory | ours / it |"
    lines.append(f"\n{header}\n|---|---|---|---|---|---|")
    for row in result["growth"]:
        ours, torch = row["ours"], row["torch"]
        theirs = f"{row['fastest']}: {_growth(torch)}" if torch else "|"
        ratio = f"{ours['seconds'] / torch['seconds']:.2f}" if torch else ""
        lines.append(f"| {row['size']} | {_growth(ours)} | {theirs} | {ratio} |")
    return "\n".join(lines)


def _row(name, measured, ratio, embedding_ratio):
    least, most = measured["range"]
    step = f"{measured['seconds']:.3f} s ({least:.3f} to {most:.3f})"
    embedding = f"{measured['embedding_seconds']:.3f} s" if "embedding_seconds" in measured else ""
    return f"| {name} | {step} | {ratio} | {_memory(measured)} | {embedding} | {embedding_ratio} |"


def _growth(measured):
    return f"{measured['seconds']:.3f} s | {_memory(measured)}"


def _memory(measured):
    return f"{measured['peak_bytes'] / GIGA:.2f} GB" if measured["peak_bytes"] else "not known"
