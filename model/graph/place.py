"""Where a thing is: the centre and extent of what in the frame speaks for it.

The best window says it in steps of a third of the frame. So every cell f_c (D,) of the last map is
asked how much it speaks for the most probable object k, by the linear discriminant of the head,

    e_ck = f_c . (S + I)^-1 (mu_k - m),    h_c = e_ck - 1/2 max(0, max_j!=k e_cj)

(class activation maps: Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR
2016). The second term is for what speaks for another object too, a hand that held both: half of it
was best on the clips of `training.evaluation.pointing`. What exceeds half of the range of h counts;
`where` is its mean place, and a box as wide as an even spread of the same variance, made smaller
where it would leave the square. The text is put into the graph of `model.graph.join` and uses its
names.
"""

from __future__ import annotations

import numpy as np

from model.card import GRID
from model.head import Float, Head

# `evidence` (K, D), `objects` (K,) int64, `cells`: CELLS.
BY_CELL = """
    cells_shape = Constant <value_ints = [0, 0, -1]> ()
    each_cell = Reshape (features, cells_shape)
    each_object = MatMul (evidence, each_cell)
    object_axis = Constant <value_ints = [1]> ()
    best_object = ArgMax <axis = 1, keepdims = 1> (logits)
    speaks_for_it = GatherND <batch_dims = 1> (each_object, best_object)
    is_best = Equal (best_object, objects)
    minus_one = Constant <value_ints = [-1]> ()
    is_best_cells = Unsqueeze (is_best, minus_one)
    zero = Constant <value_float = 0.0> ()
    of_others = Where (is_best_cells, zero, each_object)
    speaks_for_another = ReduceMax <keepdims = 0> (of_others, object_axis)
    half_share = Constant <value_float = 0.5> ()
    shared_evidence = Mul (speaks_for_another, half_share)
    heat = Sub (speaks_for_it, shared_evidence)
    coldest = ReduceMin <keepdims = 1> (heat, object_axis)
    above = Sub (heat, coldest)
    hottest = ReduceMax <keepdims = 1> (above, object_axis)
    middle_heat = Mul (hottest, half_share)
    beyond_half = Sub (above, middle_heat)
    speaks = Relu (beyond_half)
    hardly = Constant <value_float = 1e-9> ()
    shares_of = Add (speaks, hardly)
    all_shares = ReduceSum <keepdims = 1> (shares_of, object_axis)
    moments_sum = MatMul (shares_of, cells)
    moments = Div (moments_sum, all_shares)
    place, squares = Split <axis = 1, num_outputs = 2> (moments)
    place_squared = Mul (place, place)
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


def place_text(has_map: bool) -> str:
    return (BY_CELL if has_map else WHOLE) + IN_FRAME


def evidence(head: Head, support: Float) -> Float:
    """(K, D): how much each feature of a cell speaks for each object; support: scaled features.

    Of S without clutter: with it, more of what speaks lies beside the thing. By Woodbury's identity
    with the N centred rows C, (S + I)^-1 = I - C^T (C C^T + (N - 1) I)^-1 C.
    """
    centred = support - head.mean  # (N, D)
    means = np.stack([centred[head.labels == k].mean(0) for k in range(len(head.centres))])
    inner = centred @ centred.T + max(len(support) - 1, 1) * np.eye(len(support))
    return means - means @ centred.T @ np.linalg.solve(inner, centred)


def _cells() -> Float:
    middles = (np.arange(GRID) + 0.5) / GRID
    y, x = (side.ravel() for side in np.meshgrid(middles, middles, indexing="ij"))
    return np.stack([x, y, x * x, y * y], 1)


CELLS = _cells()  # (GRID * GRID, 4): x, y, x^2, y^2 of the cells' centres
