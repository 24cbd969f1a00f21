"""Heads at their singular points, criteria from embeddings to gradients, and the networks as wholes."""

import numpy as np
import pytest

from minisiamese.backend import to_host
from minisiamese.criteria import CRITERIA
from minisiamese.data.dataset import Dataset
from minisiamese.data.samplers import Episodes, Pairs, Triplets
from minisiamese.gradcheck import numerical_gradient, relative_error
from minisiamese.losses import n_way
from minisiamese.networks import conv4, koch
from minisiamese.siamese import DistanceHead, EuclideanHead, L1Head
from minisiamese.studies.report000.classifiers import cifar10_classifier, mnist_classifier


@pytest.fixture
def classes():
    """Twelve classes of five drawings in three alphabets; the images do not matter."""
    rows = np.arange(60)
    return Dataset(np.zeros((60, 2, 2, 1), np.uint8), rows // 5, rows // 20, rows % 5, ("a", "b", "c"))


@pytest.mark.parametrize("head", [L1Head(3), DistanceHead(), DistanceHead(squared=True), EuclideanHead()])
def test_identical_embeddings_have_no_gradient_and_poison_nothing(head, device, put):
    z = put([[1.0, 2, 3], [1, 2, 3], [0, 0, 1]])
    head.astype(np.float64).to(device).forward(z, put([[0, 1], [0, 0], [0, 2]]))
    dz = to_host(head.backward(put(np.ones(3))))
    head.to("cpu")  # for the next test
    assert np.all(np.isfinite(dz))
    assert np.all(dz[1] == 0)
    assert np.any(dz[2])
    np.testing.assert_allclose(dz.sum(axis=0), 0, atol=1e-12)  # moving all embeddings together changes no score


def test_scores_by_hand(device, put):
    z, pair = put([[1.0, 2.0], [4.0, -2.0]]), put([[0, 1]])
    l1 = L1Head(2, alpha=np.array([0.5, -1.0])).to(device)
    l1.params["b"][:] = 3
    assert l1.forward(z, pair).tolist() == [3 + 0.5 * 3 - 4]
    assert DistanceHead().forward(z, pair).tolist() == [-5]
    assert DistanceHead(squared=True).forward(z, pair).tolist() == [-25]
    euclidean = EuclideanHead().to(device)
    euclidean.params["w"][:], euclidean.params["b"][:] = 2, 1
    assert euclidean.forward(z, pair).tolist() == [1 - 10]


def test_heads_of_many_pairs_need_many_chunks(rng, monkeypatch, device, put):
    z, pairs = rng.normal(size=(30, 8)), rng.integers(0, 30, (500, 2))
    whole = L1Head(8).astype(np.float64)
    s, dz = whole.forward(z, pairs), whole.backward(np.ones(500))
    monkeypatch.setattr("minisiamese.threads.HOST_CHUNK_BYTES", 4096)
    monkeypatch.setattr("minisiamese.threads.DEVICE_CHUNK_BYTES", 4096)
    parts = L1Head(8).astype(np.float64).to(device)
    np.testing.assert_allclose(to_host(parts.forward(put(z), put(pairs))), s)
    np.testing.assert_allclose(to_host(parts.backward(put(np.ones(500)))), dz, atol=1e-12)
    np.testing.assert_allclose(to_host(parts.grads["alpha"]), whole.grads["alpha"])


@pytest.mark.parametrize("loss", CRITERIA)
def test_criteria_give_the_gradient_of_every_embedding(loss, classes, rng, device, put):
    criterion = CRITERIA[loss]
    if criterion.tuples == "episodes":
        batch = Episodes(classes, ways=4, drawings=3).draw(rng)
    else:
        batch = {"pairs": Pairs, "triplets": Triplets}[criterion.tuples](classes, 6).draw(rng)
    head = {"similarity": L1Head(5), "distance": DistanceHead(), "squared": DistanceHead(squared=True)}[criterion.head]
    head.astype(np.float64).to(device)
    z, batch = put(rng.normal(size=(len(batch.rows), 5))), batch.to(device)

    def value():
        head._cache = None
        return float(criterion.compute(head, z, batch, 3.0)[0])

    head._cache = None
    loss, dz = criterion.compute(head, z, batch, 3.0)
    assert relative_error(dz, numerical_gradient(value, z)) < 1e-6


def test_koch_has_the_papers_numbers(rng):
    paper, default = koch(rng, init="paper"), koch(rng)
    count = sum(array.size for array in paper.arrays().values())
    assert count == 38_951_744
    assert sum(array.size for array in default.arrays().values()) == count + 1  # the head's bias
    shapes = [array.shape for name, array in paper.arrays().items() if name.endswith("W")]
    assert shapes == [(10, 10, 1, 64), (7, 7, 64, 128), (4, 4, 128, 128), (4, 4, 128, 256), (9216, 4096)]
    weights = paper.arrays()
    assert weights["twin.1.conv.W"].std() == pytest.approx(0.01, rel=0.01)
    assert weights["twin.1.conv.b"].mean() == pytest.approx(0.5, abs=0.01)
    assert weights["twin.5.W"].std() == pytest.approx(0.2, rel=0.01)
    # a drawing becomes 4,096 sigmoids
    z = default.forward(rng.random((1, 105, 105, 1), np.float32), train=False)
    assert z.shape == (1, 4096)
    assert 0.05 < z.mean() < 0.95 and z.std() > 0.05  # not saturated, as init="paper" would be


def test_conv4_maps_a_drawing_to_256_features(rng):
    network = conv4(rng)
    assert network.forward(rng.random((3, 35, 35, 1), np.float32), train=False).shape == (3, 256)
    assert sum(array.size for array in network.twin.arrays().values()) < 114_000


def test_the_gradient_of_a_whole_network(rng, device, put):
    """conv4 from pictures to the loss, in float64, along random directions of all its parameters at once."""
    network = conv4(rng).astype(np.float64)
    for _, layer in network.walk():
        for key in layer.params.keys() & {"b", "beta"}:
            layer.params[key] += 0.1 * rng.normal(size=layer.params[key].shape)
    network.to(device)
    images, pairs, ds = put(rng.random((4, 35, 35, 1))), put([[0, 1], [2, 3], [0, 3]]), put(rng.normal(size=3))

    def value():
        s = network.head.forward(network.forward(images), pairs)
        for _, layer in network.walk():
            layer._cache = None
        return float(ds @ s)

    z = network.forward(images)
    network.head.forward(z, pairs)
    network.backward(network.head.backward(ds))
    params = {(name, key): layer.params[key] for name, layer in network.walk() for key in layer.params}
    grads = {(name, key): layer.grads[key].copy() for name, layer in network.walk() for key in layer.params}
    direction = {key: put(rng.normal(size=array.shape)) for key, array in params.items()}
    step, sides = 1e-7, []
    for sign in (1, -1):
        for key, array in params.items():
            array += sign * step * direction[key]
        sides.append(value())
        for key, array in params.items():
            array -= sign * step * direction[key]
    slope = float(sum((grads[key] * direction[key]).sum() for key in params))
    assert (sides[0] - sides[1]) / (2 * step) == pytest.approx(slope, rel=1e-5)


@pytest.mark.parametrize("pair", [[0, 3], [-1, 1]])
def test_pairs_of_rows_that_are_not_there_are_an_error(pair):
    with pytest.raises(IndexError, match="of 3 embeddings"):
        L1Head(4).forward(np.zeros((3, 4), np.float32), np.array([pair]))


@pytest.mark.parametrize(
    ("build", "shape", "features", "weights"),
    [(mnist_classifier, (28, 28, 1), 10, 105_914), (cifar10_classifier, (32, 32, 3), 128, 521_386)],
)
def test_the_classifiers_of_report_000(rng, build, shape, features, weights):
    classifier, branch = build(rng)
    assert sum(array.size for _, layer in classifier.walk() for array in layer.params.values()) == weights
    x = rng.random((4, *shape)).astype(np.float32)
    z = branch.forward(x, train=False)
    assert z.shape == (4, features) and z.min() == 0  # through a ReLU
    scores = classifier.forward(x, train=False)
    assert scores.shape == (4, 10)
    if features == 10:
        np.testing.assert_array_equal(z, np.maximum(scores, 0))
    else:
        last = classifier.layers[-1].params
        np.testing.assert_allclose(scores, z @ last["W"] + last["b"], rtol=1e-5, atol=1e-5)
    for name, array in branch.arrays().items():
        assert classifier.arrays()[name] is array  # one set of weights


@pytest.mark.parametrize(("build", "shape"), [(mnist_classifier, (28, 28, 1)), (cifar10_classifier, (32, 32, 3))])
def test_the_classifiers_gradients_along_a_random_line(rng, build, shape, device, put):
    """Through all layers and the softmax at once, against a central difference, in float64."""
    classifier, _ = build(rng)
    classifier.astype(np.float64).to(device)
    x, target = put(rng.random((6, *shape))), put(rng.integers(10, size=6))

    def loss():
        value, dscores = n_way(classifier.forward(x), target)
        classifier.backward(dscores)
        return float(value)

    loss()
    layers = [(layer, key) for _, layer in classifier.walk() for key in layer.params]
    gradients = [layer.grads[key].copy() for layer, key in layers]
    directions = [put(rng.normal(size=gradient.shape)) for gradient in gradients]
    slope = float(sum((gradient * direction).sum() for gradient, direction in zip(gradients, directions, strict=True)))
    ends = []
    for step in (1e-6, -2e-6):
        for (layer, key), direction in zip(layers, directions, strict=True):
            layer.params[key] += step * direction
        ends.append(loss())
    assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(slope, rel=1e-4)
    assert abs(slope) > 1e-2
