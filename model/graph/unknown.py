"""What stands behind the head in an Adapted file: the unknown score.

The same as `model.confidence.unknown`, in the coordinates of the head: with u = V^T (x - m) and
c_i = V^T (s_i - m), x . s_i = u . c_i + m . x + m . (s_i - m), so that support frames take N x r
numbers instead of N x D. The text is put into the graph of `model.graph` and uses its names.
"""

from __future__ import annotations

import numpy as np

from model.card import MIDDLE
from model.confidence.unknown import NEIGHBOURS, Calibration, OwnLooks, compared
from model.head import Float, Head

# `near` (r, N), `near_mean` (1, N), `near_rest` (N,), `absent` (K * n,), `share` (K, t), `offsets`
# (K,); `table` (K * n,), `by_object_shape` (4,) and `neighbours` (1,): see `layout`.
UNKNOWN = """
    k_axis = Constant <value_ints = [-1]> ()
    x_length = ReduceL2 <keepdims = 1> (x, k_axis)
    least_length = Constant <value_float = 1e-12> ()
    safe_length = Max (x_length, least_length)
    in_basis = MatMul (u, near)
    along_mean = MatMul (x, mean_column)
    from_mean = Mul (along_mean, near_mean)
    in_all = Add (in_basis, from_mean)
    products = Add (in_all, near_rest)
    cosines = Div (products, safe_length)
    looks = Gather <axis = 2> (cosines, table)
{nearest}
    beyond_offset = Sub (looks_alike, offsets)
{countered}{filled}
    each_window = Constant <value_ints = [1]> ()
    by_features = ReduceMax <keepdims = 0> ({beyond}, each_window)
{coloured}
    familiar = ReduceMax <keepdims = 0> (likeness, k_axis)
    short_of = Sub (threshold, familiar)
    steep = Mul (short_of, steepness)
    unknown = Sigmoid (steep)
"""
# How alike something is to each object: (B, P, K * n), laid out by `table`, to (B, P, K).
NEAREST = """
    {what}_present = Sub ({what}, absent)
    {what}_by_object = Reshape ({what}_present, by_object_shape)
    {what}_nearest, {what}_at = TopK <axis = -1> ({what}_by_object, neighbours)
    {what}_shared = Mul ({what}_nearest, share)
    {what}_alike = ReduceSum <keepdims = 0> ({what}_shared, k_axis)
"""
# As in `model.confidence.counter_examples`; `counters` (D, n).
COUNTERED = """
    counter_products = MatMul (x, counters)
    counter_cosines = Div (counter_products, safe_length)
    nearest_counter = ReduceMax <keepdims = 1> (counter_cosines, k_axis)
    ahead = Sub (looks_alike, nearest_counter)
    at_most = Add (ahead, threshold)
    beyond = Min (beyond_offset, at_most)
"""
NOT_COUNTERED = "    beyond = Identity (beyond_offset)\n"
FILLED = "    beyond_filled = Sub (beyond, lost)"
# `taught_colours` (K * n * 16, 3), `colour_apart` the weight w; `shares_of` of `model.graph.place`.
COLOURED = """
    centre_shares, other_shares = Split <axis = 1, num_outputs = 2> (shares_of)
    colour_cells = Reshape (colours, cells_shape)
    by_cell = Transpose <perm = [0, 2, 1]> (colour_cells)
    colour_sum = MatMul (centre_shares, by_cell)
    centre_total = ReduceSum <keepdims = 1> (centre_shares, k_axis)
    colour = Div (colour_sum, centre_total)
    from_taught = Sub (colour, taught_colours)
    from_taught_squares = ReduceSumSquare <keepdims = 0> (from_taught, k_axis)
    frame_shape = Constant <value_ints = [0, -1, {cells}]> ()
    from_frames = Reshape (from_taught_squares, frame_shape)
    from_nearest = ReduceMin <keepdims = 0> (from_frames, k_axis)
    colour_distance = Sqrt (from_nearest)
    colour_near = Neg (colour_distance)
    tints = Unsqueeze (colour_near, each_window)
{nearest}
    tints_of_each = Squeeze (tints_alike, each_window)
    colour_penalty = Mul (tints_of_each, colour_apart)
    likeness = Add (by_features, colour_penalty)
"""
NOT_COLOURED = "    likeness = Identity (by_features)"
ABSENT = 4.0  # two cosines differ by at most 2, two colours by less


def unknown_text(filled: bool, countered: bool, coloured: bool) -> str:
    """filled: windows that are nearly empty are left out, as `lost` says; countered: there are
    counter-examples; coloured: colours count.
    """
    colour = COLOURED.format(cells=MIDDLE**2, nearest=NEAREST.format(what="tints"))
    return UNKNOWN.format(
        countered=COUNTERED if countered else NOT_COUNTERED,
        filled=FILLED if filled else "",
        beyond="beyond_filled" if filled else "beyond",
        nearest=NEAREST.format(what="looks"),
        coloured=colour if coloured else NOT_COLOURED,
    )


def unknown_constants(
    head: Head, support: Float, looks: OwnLooks, calibration: Calibration
) -> dict[str, np.ndarray]:
    """The float32 constants of UNKNOWN; support: scaled features (N, D)."""
    rows = compared(head.labels)
    most = max(map(len, rows))
    absent = np.concatenate([np.arange(most) >= len(own) for own in rows]) * ABSENT
    length = np.maximum(np.linalg.norm(support, axis=1), 1e-12)
    centred = support - head.mean
    counts = [min(NEIGHBOURS, len(own)) for own in rows]
    share = [(np.arange(min(NEIGHBOURS, most)) < count) / count for count in counts]
    return {
        "near": (centred @ head.basis / length[:, None]).T,
        "near_mean": (1 / length)[None],
        "near_rest": centred @ head.mean / length,
        "mean_column": head.mean[:, None],
        "absent": absent,
        "share": np.stack(share),
        "offsets": looks.offsets(calibration),
        "threshold": np.array(looks.threshold(calibration)),
    }


def colour_constants(colours: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Those of COLOURED; colours (N, 3, MIDDLE * MIDDLE) of the support's middle cells."""
    return {"taught_colours": colours.transpose(0, 2, 1)[layout(labels)["table"]].reshape(-1, 3)}


def layout(labels: np.ndarray) -> dict[str, np.ndarray]:
    """int64: which support frame stands where, object after object, n each; the shape of that; and
    how many of an object's count."""
    rows = compared(labels)
    most = max(map(len, rows))
    return {
        "table": np.concatenate([np.resize(own, most) for own in rows]),
        "by_object_shape": np.array([0, 0, len(rows), most]),
        "neighbours": np.array([min(NEIGHBOURS, most)]),
    }
