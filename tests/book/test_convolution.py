import numpy as np
import pytest
from conftest import fast
from scipy.signal import correlate

from minisiamese import threads
from minisiamese.backend import to_device, to_host
from minisiamese.convolution import Conv2D, col2im, im2col
from minisiamese.fast import algorithms, fourier
from minisiamese.fast.fuse import fuse
from minisiamese.networks import conv4, koch


def test_im2col_rows_are_the_patches(rng, put):
    x = rng.normal(size=(2, 5, 6, 3))
    columns = to_host(im2col(put(x), kernel=3, stride=2))
    assert columns.shape == (2 * 2 * 2, 27)
    np.testing.assert_array_equal(columns[-1], x[1, 2:5, 2:5].ravel())
    np.testing.assert_array_equal(columns[1], x[0, 0:3, 2:5].ravel())


def test_im2col_of_one_image_with_axes_put_on(rng, put):
    image = put(rng.normal(size=(5, 6)))
    expected = im2col(put(to_host(image).reshape(1, 5, 6, 1)), 3)
    np.testing.assert_array_equal(to_host(im2col(image[None, :, :, None], 3)), to_host(expected))


@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (3, 1), (3, 2), (2, 3)])
def test_col2im_is_the_transpose_of_im2col(rng, kernel, stride, put):
    x = rng.normal(size=(2, 6, 5, 2))
    columns = to_host(im2col(put(x), kernel, stride))
    y = rng.normal(size=columns.shape)
    assert np.vdot(columns, y) == pytest.approx(np.vdot(x, to_host(col2im(put(y), x.shape, kernel, stride))))


@pytest.mark.parametrize("algorithm", ["im2col", "fourier"])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "height", "width", "channels", "out"),
    [
        (3, 1, 0, 6, 9, 2, 3),
        (3, 1, 1, 5, 4, 2, 3),
        (4, 2, 1, 9, 7, 1, 2),
        (1, 1, 0, 3, 3, 3, 1),
        (5, 3, 2, 8, 11, 2, 2),
    ],
)
def test_forward_is_a_correlation(rng, kernel, stride, padding, height, width, channels, out, algorithm, device, put):
    layer = fast(Conv2D(channels, out, kernel, rng, stride, padding, bias=(0, 1)), algorithm).astype(np.float64)
    x = rng.normal(size=(2, height, width, channels))
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    y = to_host(layer.to(device).forward(put(x), train=False))
    layer.to("cpu")
    assert y.shape == layer.output_shape(x.shape)
    for n in range(2):
        for o in range(out):
            full = correlate(padded[n], layer.params["W"][..., o], mode="valid")[..., 0]
            np.testing.assert_allclose(y[n, :, :, o], full[::stride, ::stride] + layer.params["b"][o])


def test_the_first_layer_may_leave_out_the_gradient_of_the_picture(rng):
    layer = fuse(Conv2D(1, 2, 3, rng))
    layer.input_gradient = False
    y = layer.forward(rng.normal(size=(1, 5, 5, 1)).astype(np.float32))
    assert layer.backward(y) is None
    assert np.any(layer.grads["W"])


def both(device, x, kernel, out, stride=1, padding=0):
    """y, dx, dW and db by im2col on NumPy, and by Fourier where the test is to compute."""
    results = []
    for algorithm, where in (("im2col", "cpu"), ("fourier", device)):
        layer = fast(Conv2D(x.shape[3], out, kernel, np.random.default_rng(1), stride, padding), algorithm)
        y = layer.astype(x.dtype).to(where).forward(to_device(x, where))
        dy = np.random.default_rng(2).normal(size=y.shape).astype(x.dtype)
        results.append(map(to_host, (y, layer.backward(to_device(dy, where)), layer.grads["W"], layer.grads["b"])))
    return zip(*results, strict=True)


@pytest.mark.parametrize("kernel", range(1, 12))
@pytest.mark.parametrize(
    ("images", "height", "width", "channels", "out", "padding"),
    [(3, 12, 15, 4, 5, 0), (1, 11, 16, 1, 3, 0), (2, 14, 11, 3, 1, 2), (1, 13, 13, 1, 1, 7)],
)
def test_fourier_agrees_with_im2col(rng, device, kernel, images, height, width, channels, out, padding):
    x = rng.normal(size=(images, height, width, channels)).astype(np.float32)
    for a, b in both(device, x, kernel, out, padding=padding):
        assert a.shape == b.shape and a.dtype == b.dtype == np.float32
        assert abs(a - b).max() < 1e-5 * abs(a).max()


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(4, 2, 0), (3, 2, 1), (7, 3, 3), (1, 2, 0)])
def test_fourier_agrees_with_im2col_on_strides(rng, device, kernel, stride, padding):
    for a, b in both(device, rng.normal(size=(2, 10, 13, 3)), kernel, 2, stride, padding):
        assert abs(a - b).max() < 1e-12 * abs(a).max()


def test_fourier_agrees_on_the_papers_second_layer(rng, device):
    """Large sums in float32: 48 x 48 x 64 images, 7 x 7 kernel."""
    for a, b in both(device, rng.random((2, 48, 48, 64)).astype(np.float32), 7, 128):
        assert abs(a - b).max() < 1e-5 * abs(a).max()


@pytest.mark.parametrize("algorithm", ["im2col", "fourier"])
@pytest.mark.parametrize("kernel", range(1, 12))
@pytest.mark.parametrize(
    ("images", "height", "width", "channels", "out", "padding"),
    [(3, 12, 15, 4, 5, 0), (1, 11, 16, 1, 3, 0), (2, 14, 11, 3, 1, 2), (1, 13, 13, 1, 1, 7)],
)
def test_both_agree_with_pytorch(rng, algorithm, kernel, images, height, width, channels, out, padding):
    torch = pytest.importorskip("torch")
    x = rng.random((images, height, width, channels), dtype=np.float32)
    layer = fast(Conv2D(channels, out, kernel, rng, padding=padding, bias=(0, 1)), algorithm)
    y = layer.forward(x)
    dy = rng.random(y.shape, dtype=np.float32)  # of one sign: a sum that cancels would have no digits to compare
    dx = layer.backward(dy)
    x_torch = torch.tensor(x.transpose(0, 3, 1, 2), requires_grad=True)
    W = torch.tensor(layer.params["W"].transpose(3, 2, 0, 1), requires_grad=True)
    b = torch.tensor(layer.params["b"], requires_grad=True)
    y_torch = torch.nn.functional.conv2d(x_torch, W, b, padding=padding)
    y_torch.backward(torch.tensor(dy.transpose(0, 3, 1, 2)))
    for ours, theirs, axes in (
        (y, y_torch.detach(), (0, 2, 3, 1)),
        (dx, x_torch.grad, (0, 2, 3, 1)),
        (layer.grads["W"], W.grad, (2, 3, 1, 0)),
        (layer.grads["b"], b.grad, (0,)),
    ):
        theirs = theirs.numpy().transpose(axes)
        assert abs(ours - theirs).max() < 1e-5 * abs(theirs).max()


def test_shapes_and_the_number_of_multiplications_choose(rng):
    shapes = (8, 48, 48, 64), (7, 7, 64, 128), 1, 0
    assert algorithms.multiplications(*shapes) == 42 * 42 * 49 * 64 * 128
    five = (50 * 48 * 48 * 64, 25 * 96 * 96 * 64, 25 * 48 * 128 * 256, 25 * 84 * 96 * 128, 42 * 50 * 42 * 128)
    assert fourier.multiplications(*shapes) == five

    def chosen_by(network):
        blocks = fuse(network).twin.layers[:4]
        z = np.zeros((1, network.size, network.size, 1), np.float32)
        chosen = []
        for block in blocks:
            chosen.append(block.conv.algorithm(z.shape))
            z = block.forward(z, train=False)
        return chosen

    assert chosen_by(koch(rng)) == ["im2col", "fourier", "fourier", "fourier"]
    assert chosen_by(conv4(rng)) == ["im2col", "fourier", "winograd", "winograd"]


@pytest.mark.parametrize("algorithm", ["im2col", "fourier"])
def test_the_number_of_threads_changes_no_bit(rng, algorithm, monkeypatch):
    monkeypatch.setattr(threads, "HOST_CHUNK_BYTES", 1 << 17)  # many chunks
    monkeypatch.setattr(threads, "_threads", threads._threads)
    x = rng.normal(size=(40, 17, 17, 16)).astype(np.float32)
    results = []
    for count in (1, 2, 3):
        threads._threads = count
        layer = fast(Conv2D(16, 16, 3, np.random.default_rng(1), padding=1), algorithm)
        y = layer.forward(x)
        results.append((y, layer.backward(y), layer.grads["W"], layer.grads["b"]))
    for other in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(results[0], other, strict=True))


@pytest.mark.parametrize("algorithm", ["im2col", "fourier"])
def test_many_chunks_are_one(rng, algorithm, device, put, monkeypatch):
    x = rng.normal(size=(40, 9, 8, 3))
    results = []
    for chunk_bytes in (1 << 30, 1 << 12):
        monkeypatch.setattr(threads, "HOST_CHUNK_BYTES", chunk_bytes)
        monkeypatch.setattr(threads, "DEVICE_CHUNK_BYTES", chunk_bytes)
        layer = fast(Conv2D(3, 2, 3, np.random.default_rng(1)), algorithm).astype(np.float64).to(device)
        y = layer.forward(put(x))
        results.append([to_host(array) for array in (y, layer.backward(y), layer.grads["W"], layer.grads["b"])])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("algorithm", ["im2col", "fourier"])
def test_images_of_whole_numbers_are_an_error(rng, algorithm):
    with pytest.raises(ValueError, match="float type, not uint8"):
        fast(Conv2D(1, 2, 3, rng), algorithm).forward(np.ones((1, 5, 5, 1), np.uint8))


@pytest.mark.parametrize("algorithm", ["im2col", "fourier"])
def test_images_that_do_not_fit_are_an_error(rng, algorithm):
    layer = fast(Conv2D(2, 3, 5, rng), algorithm)
    with pytest.raises(ValueError, match="does not fit"):
        layer.forward(np.zeros((1, 4, 9, 2), np.float32))
    with pytest.raises(ValueError, match="does not fit"):
        layer.forward(np.zeros((1, 9, 9, 1), np.float32))
