"""The tests that are reported, with the published figures of each."""

KOCH, LAKE, LAKE19, SHYAM = "Koch et al. 2015", "Lake et al. 2015", "Lake et al. 2019", "Shyam et al. 2017"
TESTS = {  # name: (title, published: (who, accuracy in %))
    "lake": (
        "20-way one-shot, Lake's 20 runs (the paper's table 2)",
        [
            (f"people ({LAKE})", 95.5),
            (f"Bayesian program learning ({LAKE})", 96.7),
            (f"Bayesian program learning, as in {KOCH}", 95.2),
            (f"siamese network ({KOCH})", 92.0),
            (f"affine model, as in {KOCH}", 81.8),
            (f"deep Boltzmann machine, as in {KOCH}", 62.0),
            (f"fully connected siamese network ({KOCH})", 58.3),
            (f"nearest neighbour, as in {KOCH}", 21.7),
            ("siamese network, slides 002 (on trials of its own)", 81.0),
            (f"convolutional network ({LAKE19})", 86.5),
            (f"prototypical network ({LAKE19})", 86.3),
            (f"variational homoencoder ({LAKE19})", 81.3),
            (f"attentive recurrent comparators, more training alphabets ({SHYAM})", 97.75),
            (f"attentive recurrent comparators, full context, as in the abstract ({SHYAM})", 98.5),
        ],
    ),
    "lake-small1": (
        "Lake's 20 runs, trained on the five alphabets of his minimal split 1",
        [(f"Bayesian program learning ({LAKE19})", 95.7), (f"convolutional network ({LAKE19})", 76.0)],
    ),
    "lake-small2": (
        "Lake's 20 runs, trained on the five alphabets of his minimal split 2",
        [(f"Bayesian program learning ({LAKE19})", 96.0), (f"convolutional network ({LAKE19})", 77.7)],
    ),
    "verification": (
        "Same or different, pairs of ten unseen alphabets (the paper's table 1)",
        [
            (f"30,000 pairs ({KOCH})", 90.61),
            (f"30,000 pairs, distorted ({KOCH})", 91.90),
            (f"90,000 pairs ({KOCH})", 91.54),
            (f"90,000 pairs, distorted ({KOCH})", 93.15),
            (f"150,000 pairs ({KOCH})", 91.63),
            (f"150,000 pairs, distorted ({KOCH})", 93.42),
        ],
    ),
    "pairs-across": (
        "Same or different, pairs of any evaluation alphabets (source 003)",
        [("MATLAB example, 5 x 150 pairs (source 003)", 88.67)],
    ),
    "mnist": (
        "MNIST, 10-way one-shot, trained on no digit (the paper's table 3, on Omniglot alone)",
        [(f"siamese network ({KOCH})", 70.3), (f"nearest neighbour, as in {KOCH}", 26.5)],
    ),
    "nway-within": ("20-way one-shot within evaluation alphabets, random trials", []),
    "nway-across": ("20-way one-shot across evaluation alphabets, random trials", []),
}
