// One ONNX file of graphs that Python wrote and the numbers of a task: model/graph/join.py in the page. How the parts go
// together stands in model/graph/parts.py.

import { CholeskyDecomposition, Matrix, protobuf } from "../../runtime/learning.min.mjs";
import { concatenated } from "./arrays.js";
import { dot, gram, objectMeans } from "./head.js";
import { colourConstants, layout, sharpness, unknownConstants } from "./unknown.js";

// The numbers of fields in onnx.proto3, each with the wire type of what has a length.
const GRAPH = (7 << 3) | 2;
const METADATA = (14 << 3) | 2;
const INITIALIZER = (5 << 3) | 2;
const [DIMS, DATA_TYPE, NAME, RAW_DATA] = [(1 << 3) | 0, (2 << 3) | 0, (8 << 3) | 2, (9 << 3) | 2];
const [KEY, VALUE] = [(1 << 3) | 2, (2 << 3) | 2];
const [FLOAT, INT64] = [1, 7];

/** A model's file; model, graph: pieces of Python's; tensors: {name: {dims, data: a typed array}}. */
export function assemble(model, graph, tensors) {
  const more = protobuf.Writer.create();
  for (const [name, { dims, data }] of Object.entries(tensors)) {
    more.uint32(INITIALIZER).fork();
    for (const side of dims) more.uint32(DIMS).int64(side);
    more.uint32(DATA_TYPE).int32(data instanceof BigInt64Array ? INT64 : FLOAT).uint32(NAME).string(name);
    more.uint32(RAW_DATA).bytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)).ldelim();
  }
  const added = more.finish();
  const opening = protobuf.Writer.create().uint32(GRAPH).uint32(graph.length + added.length).finish();
  return concatenated(Uint8Array, [model, opening, graph, added]);
}

/** The file with what it says of itself: {key: text}. */
export function described(file, metadata) {
  const told = protobuf.Writer.create();
  for (const [key, value] of Object.entries(metadata)) told.uint32(METADATA).fork().uint32(KEY).string(key).uint32(VALUE).string(value).ldelim();
  return concatenated(Uint8Array, [file, told.finish()]);
}

/** The tensors of a fitted head, for `assemble`; support: scaled features, middles, colours, floor, looks: as in model/graph/join.py. */
export function constants({ head, support, middles, colours, floor, looks, counters }, settings) {
  const [d, r, k, n] = [head.mean.length, head.variances.length, head.centres.rows, head.labels.length];
  const known = settings.calibration;
  const real = {
    mean: [[d], head.mean],
    basis: [[d, r], head.basis.to1DArray()],
    centres: [[1, 1, k, r], head.centres.to1DArray()],
    weights: [[1, 1, k, r], head.weights.to1DArray()],
    rows: [[r, n], head.rows.transpose().to1DArray()],
    along_centres: [[n], head.labels.map((own, i) => dot(head.rows.getRow(i), head.centres.getRow(own)))],
    owner: [[n, k], head.labels.flatMap((own) => Array.from({ length: k }, (_, j) => Number(j === own)))],
    sharpness: [[], [sharpness(head.labels, known)]],
    ...unknownConstants(head, support, looks, known),
    ...(settings.windows.length ? { floor: [[], [floor]], evidence: [[k, d], evidence(head, support).to1DArray()] } : {}),
    ...(settings.windows.length && middles ? { middles: [[k, middles.columns], middles.to1DArray()] } : {}),
    ...(settings.windows.length && colours && known.colour ? colourConstants(colours, head.labels) : {}),
    ...(counters ? { counters: [[d, counters.length], transposed(counters)] } : {}),
  };
  return {
    ...named(layout(head.labels), (values) => ({ dims: [values.length], data: BigInt64Array.from(values, BigInt) })),
    ...named(real, ([dims, values]) => ({ dims, data: Float32Array.from(values) })),
  };
}

/** (K, D): how much each feature of a cell speaks for each object; model/graph/place.py. */
function evidence(head, support) {
  const centred = support.clone().subRowVector(head.mean); // C (N, D)
  const means = objectMeans(centred, head.labels);
  const inner = gram(centred).add(Matrix.eye(support.rows).mul(Math.max(support.rows - 1, 1)));
  const solved = new CholeskyDecomposition(inner).solve(means.mmul(centred.transpose()).transpose()); // (N, K)
  return means.clone().sub(solved.transpose().mmul(centred));
}

function named(values, made) {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`h_${name}`, made(value)]));
}

function transposed(rows) {
  return rows[0].flatMap((_, i) => rows.map((row) => row[i]));
}
