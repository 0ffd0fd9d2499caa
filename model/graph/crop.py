"""The square of a frame, inside the file: what `sampling.square` does, as an ONNX graph.

A frame of any size is cut to its centre square and averaged over areas, as two products with one
matrix of overlaps (linear interpolation if it is smaller than the square; nothing at all if it fits
already). So whoever feeds camera frames to an exported model gets the pixels, and the answers, that
the app gets. OpenCV's own averaging is ten times as fast, so callers that have it use that.
"""

CROP = """
crop (uint8[B,H,W,3] frames) => (uint8[B,{side},{side},3] square, int64[2] size) {{
    size = Shape <start = 1, end = 3> (frames)
    shorter = ReduceMin <keepdims = 1> (size)
    corners = Concat <axis = 0> (shorter, shorter)
    centre = CenterCropPad <axes = [1, 2]> (frames, corners)
    side = Constant <value_ints = [{side}]> ()
    fits = Equal (shorter, side)
    square = If (fits) <
        then_branch = as_it_is () => (uint8[B,{side},{side},3] same) {{ same = Identity (centre) }},
        else_branch = resized () => (uint8[B,{side},{side},3] averaged) {{
            zero = Constant <value_float = 0.0> ()
            one = Constant <value_float = 1.0> ()
            half = Constant <value_float = 0.5> ()
            first = Constant <value_ints = [0]> ()
            length = Cast <to = 1> (shorter)
            count = Squeeze (length, first)
            side_float = Cast <to = 1> (side)
            step = Div (length, side_float)
            inputs = Range (zero, count, one)
            side_count = Squeeze (side_float, first)
            outputs_flat = Range (zero, side_count, one)
            last = Constant <value_ints = [1]> ()
            outputs = Unsqueeze (outputs_flat, last)
            begin = Mul (outputs, step)
            end = Add (begin, step)
            inputs_end = Add (inputs, one)
            from = Max (begin, inputs)
            to = Min (end, inputs_end)
            overlap = Sub (to, from)
            covered = Relu (overlap)
            area = Div (covered, step)
            begin_end = Add (begin, end)
            middle = Mul (begin_end, half)
            centred = Sub (middle, half)
            greatest = Sub (count, one)
            place = Clip (centred, zero, greatest)
            away = Sub (place, inputs)
            distance = Abs (away)
            nearness = Sub (one, distance)
            linear = Relu (nearness)
            grows = Less (shorter, side)
            weights = Where (grows, linear, area)
            weights_t = Transpose <perm = [1, 0]> (weights)
            turned = Transpose <perm = [0, 3, 1, 2]> (centre)
            pixels = Cast <to = 1> (turned)
            narrow = MatMul (pixels, weights_t)
            small = MatMul (weights, narrow)
            up = Add (small, half)
            whole = Floor (up)
            bytes = Cast <to = 2> (whole)
            averaged = Transpose <perm = [0, 2, 3, 1]> (bytes)
        }}>
}}"""
