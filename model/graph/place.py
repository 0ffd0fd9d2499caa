"""Where a thing is: the centre and extent of what in the frame speaks for it.

Two maps are asked, each how much its cells speak for the most probable object k. The last map knows
what a thing is, but a cell of it has seen half of the frame; its cells f_c (D,) are asked by the
linear discriminant of the head (class activation maps: Zhou et al., "Learning Deep Features for
Discriminative Localization", CVPR 2016),

    e_ck = f_c . (S + I)^-1 (mu_k - m)

The map of half the stride, where the backbone shows it, knows little more than colours and
textures, but where they are. Whoever films a thing has it in the middle, so that what speaks for
it there is what the middle of its support frames has beyond the rest of them: with g_c (C,) the
fine cells,

    d_ck = g_c . v_k,    v_k the mean over the frames of k of (mean of the middle 4 x 4 cells - mean
                         of all)

Both are brought to [0, 1] over the frame, the last map by linear interpolation to the fine one's
cells, and added. The centre is that of what exceeds 9/10 of the range of the sum; the extent that
of an even spread of the same variance as what exceeds 6/10, made smaller where it would leave the
square. These numbers were best on rendered training people (training/README.md).
Without a fine map the last one is alone, and half of its range does for both.

The text is put into the graph of `model.graph.join` and uses its names.
"""

from __future__ import annotations

import numpy as np

from model.card import FINE, GRID
from model.head import Float, Head, object_means

# `evidence` (K, D).
COARSE = """
    cells_shape = Constant <value_ints = [0, 0, -1]> ()
    coarse_cells = Reshape (features, cells_shape)
    coarse_each = MatMul (evidence, coarse_cells)
    object_axis = Constant <value_ints = [1]> ()
    best_object = ArgMax <axis = 1, keepdims = 1> (logits)
    coarse_best = GatherND <batch_dims = 1> (coarse_each, best_object)
    coarse_shape = Constant <value_ints = [0, 1, {grid}, {grid}]> ()
    coarse_map = Reshape (coarse_best, coarse_shape)
    fine_sizes = Constant <value_ints = [{fine}, {fine}]> ()
    batch_and_one = Shape <end = 2> (coarse_map)
    enlarged_sizes = Concat <axis = 0> (batch_and_one, fine_sizes)
    enlarged = Resize <mode = "linear"> (coarse_map, , , enlarged_sizes)
    row_shape = Constant <value_ints = [0, -1]> ()
    coarse_heat = Reshape (enlarged, row_shape)
    hardly = Constant <value_float = 1e-9> ()
"""
# (B, cells) brought to [0, 1] over each frame.
RANGE = """
    {map}_least = ReduceMin <keepdims = 1> ({map}_heat, object_axis)
    {map}_above = Sub ({map}_heat, {map}_least)
    {map}_most = ReduceMax <keepdims = 1> ({map}_above, object_axis)
    {map}_span = Max ({map}_most, hardly)
    {map}_share = Div ({map}_above, {map}_span)
"""
# `middles` (K, C): v_k.
WITH_FINE = """
    fine_cells = Reshape (fine, cells_shape)
    fine_each = MatMul (middles, fine_cells)
    fine_heat = GatherND <batch_dims = 1> (fine_each, best_object)
"""
# `cells`: CELLS; `beyond_share` (2, 1): of the range, for the centre and for the extent.
BOX = """
    heat_axis = Constant <value_ints = [2]> ()
    heat_rows = Unsqueeze (both_share, object_axis)
    past = Sub (heat_rows, beyond_share)
    speaks = Relu (past)
    shares_of = Add (speaks, hardly)
    all_shares = ReduceSum <keepdims = 1> (shares_of, heat_axis)
    moments_sum = MatMul (shares_of, cells)
    moments = Div (moments_sum, all_shares)
    of_centre, of_extent = Split <axis = 1, num_outputs = 2> (moments)
    centre_flat = Squeeze (of_centre, object_axis)
    extent_flat = Squeeze (of_extent, object_axis)
    place, unused_squares = Split <axis = 1, num_outputs = 2> (centre_flat)
    mean_place, squares = Split <axis = 1, num_outputs = 2> (extent_flat)
    place_squared = Mul (mean_place, mean_place)
    variance = Sub (squares, place_squared)
    spread = Relu (variance)
    three = Constant <value_float = 3.0> ()
    spread_three = Mul (spread, three)
    even_half = Sqrt (spread_three)
    whole_side = Constant <value_float = 1.0> ()
    other_side = Sub (whole_side, place)
    reach = Min (even_half, place, other_side)
    first_corner = Sub (place, reach)
    last_corner = Add (place, reach)
    in_square = Concat <axis = 1> (first_corner, last_corner)
"""
# Without a map, all of the square.
WHOLE = """
    batch_size = Shape <end = 1> (logits)
    four = Constant <value_ints = [4]> ()
    box_shape = Concat <axis = 0> (batch_size, four)
    whole_box = Constant <value_floats = [0.0, 0.0, 1.0, 1.0]> ()
    in_square = Expand (whole_box, box_shape)
"""
# From the square that `model.graph.crop` cuts out to the frame of `size` (height, width).
IN_FRAME = """
    size_float = Cast <to = 1> (size)
    short_side = ReduceMin <keepdims = 1> (size_float)
    cut_off = Sub (size_float, short_side)
    two = Constant <value_float = 2.0> ()
    cut_half = Div (cut_off, two)
    cut_first = Floor (cut_half)
    corner = Div (cut_first, size_float)
    square_share = Div (short_side, size_float)
    x_y_x_y = Constant <value_ints = [1, 0, 1, 0]> ()
    corners = Gather <axis = 0> (corner, x_y_x_y)
    square_shares = Gather <axis = 0> (square_share, x_y_x_y)
    scaled_box = Mul (in_square, square_shares)
    where = Add (scaled_box, corners)
"""


def place_text(has_map: bool, has_fine: bool) -> str:
    """has_map: the head scores windows of the last map; has_fine: the backbone has a fine one."""
    if not has_map:
        return WHOLE + IN_FRAME
    text = COARSE.format(grid=GRID, fine=FINE) + RANGE.format(map="coarse")
    if has_fine:
        text += WITH_FINE + RANGE.format(map="fine")
        text += "    both_heat = Add (coarse_share, fine_share)\n"
    else:
        text += "    both_heat = Identity (coarse_share)\n"
    return text + RANGE.format(map="both") + BOX + IN_FRAME


def beyond(has_fine: bool) -> Float:
    """(2, 1): the share of the heat's range from which a cell counts, for centre and extent."""
    return np.array([[0.9], [0.6]] if has_fine else [[0.5], [0.5]])


def evidence(head: Head, support: Float) -> Float:
    """(K, D): how much each feature of a cell speaks for each object; support: scaled features.

    Of S without clutter: with it, more of what speaks lies beside the thing. By Woodbury's identity
    with the N centred rows C, (S + I)^-1 = I - C^T (C C^T + (N - 1) I)^-1 C.
    """
    centred = support - head.mean  # (N, D)
    means = object_means(centred, head.labels)
    inner = centred @ centred.T + max(len(support) - 1, 1) * np.eye(len(support))
    return means - means @ centred.T @ np.linalg.solve(inner, centred)


def _cells() -> Float:
    middles = (np.arange(FINE) + 0.5) / FINE
    y, x = (side.ravel() for side in np.meshgrid(middles, middles, indexing="ij"))
    return np.stack([x, y, x * x, y * y], 1)


CELLS = _cells()  # (FINE * FINE, 4): x, y, x^2, y^2 of the fine cells' centres
