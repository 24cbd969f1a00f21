import numpy as np
import pytest
from scipy.signal import correlate

from minisiamese.backend import available_cores, set_threads
from minisiamese.convolution import Conv2D, col2im, im2col


def test_im2col_rows_are_the_patches(rng):
    x = rng.normal(size=(2, 5, 6, 3))
    columns = im2col(x, kernel=3, stride=2)
    assert columns.shape == (2 * 2 * 2, 27)
    np.testing.assert_array_equal(columns[-1], x[1, 2:5, 2:5].ravel())
    np.testing.assert_array_equal(columns[1], x[0, 0:3, 2:5].ravel())


@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (3, 1), (3, 2), (2, 3)])
def test_col2im_is_the_transpose_of_im2col(rng, kernel, stride):
    x = rng.normal(size=(2, 6, 5, 2))
    columns = im2col(x, kernel, stride)
    y = rng.normal(size=columns.shape)
    assert np.vdot(columns, y) == pytest.approx(np.vdot(x, col2im(y, x.shape, kernel, stride)))


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
def test_forward_is_a_correlation(rng, kernel, stride, padding, height, width, channels, out):
    layer = Conv2D(channels, out, kernel, rng, stride, padding, bias=(0, 1)).astype(np.float64)
    x = rng.normal(size=(2, height, width, channels))
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    y = layer.forward(x, train=False)
    assert y.shape == layer.output_shape(x.shape)
    for n in range(2):
        for o in range(out):
            full = correlate(padded[n], layer.params["W"][..., o], mode="valid")[..., 0]
            np.testing.assert_allclose(y[n, :, :, o], full[::stride, ::stride] + layer.params["b"][o])


def test_the_first_layer_may_leave_out_the_gradient_of_the_picture(rng):
    layer = Conv2D(1, 2, 3, rng, input_gradient=False)
    y = layer.forward(rng.normal(size=(1, 5, 5, 1)).astype(np.float32))
    assert layer.backward(y) is None
    assert np.any(layer.grads["W"])


def test_the_number_of_threads_changes_no_bit(rng):
    x = rng.normal(size=(40, 17, 17, 16)).astype(np.float32)
    results = []
    for threads in (1, 2, 3):
        set_threads(threads)
        layer = Conv2D(16, 16, 3, np.random.default_rng(1), padding=1)
        y = layer.forward(x)
        results.append((y, layer.backward(y), layer.grads["W"], layer.grads["b"]))
    set_threads(available_cores())
    for other in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_images_that_do_not_fit_are_an_error(rng):
    layer = Conv2D(2, 3, 5, rng)
    with pytest.raises(ValueError, match="does not fit"):
        layer.forward(np.zeros((1, 4, 9, 2), np.float32))
    with pytest.raises(ValueError, match="does not fit"):
        layer.forward(np.zeros((1, 9, 9, 1), np.float32))
