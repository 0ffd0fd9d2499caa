// The Simple CNAPs head: model/head.py in the page, in the same symbols and in float64. Bateni et al., "Improved Few-Shot
// Visual Classification", CVPR 2020, sec. 4: Q_k = l_k S_k + (1 - l_k) S + I (+ F^T F), in the span of the centred features.

import { CholeskyDecomposition, EigenvalueDecomposition, Matrix } from "../../runtime/learning.min.mjs";

/** Features (N, D) scaled to length sqrt(D), as `features: unit` says, or as they are. */
export function normalised(z, features) {
  if (features === "raw") return z;
  const scaled = z.clone();
  for (let i = 0; i < z.rows; i++) scaled.mulRow(i, Math.sqrt(z.columns) / Math.max(length(z.getRow(i)), 1e-12));
  return scaled;
}

export function length(row) {
  return Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
}

/** How many frames each of the K objects has, of labels (N,) that cover [0, K). */
export function countShots(labels) {
  const shots = new Array(Math.max(...labels) + 1).fill(0);
  for (const k of labels) shots[k]++;
  return shots;
}

/** For each object the numbers of its frames. */
export function framesOf(labels) {
  return countShots(labels).map((_, k) => [...labels.keys()].filter((i) => labels[i] === k));
}

/** The mean row of each object: (K, D) of rows (N, D). */
export function objectMeans(rows, labels) {
  return new Matrix(framesOf(labels).map((own) => rows.selection(own, range(rows.columns)).mean("column")));
}

/**
 * Fit the head to scaled features z (N, D): {mean (D,), basis B (D, r), variances (r,), centres a (K, r), weights w (K, r),
 * rows R (N, r), labels}. clutter: F (R, D), or null: Q_k gets F^T F, so the head is one of A z, with R coordinates more.
 */
export function fit(z, labels, clutter) {
  if (!clutter) return fitWithout(z, labels);
  const { basis: u, squares } = span(clutter); // U (D, R), f^2
  const c = squares.map((square) => square / (1 + square));
  const shrunk = u.clone().mulRowVector(c.map((share) => 1 - Math.sqrt(1 - share))); // A = I - shrunk U^T
  const ut = u.transpose();
  const inner = fitWithout(z.clone().sub(z.mmul(shrunk).mmul(ut)), labels);
  const back = inner.basis.clone().sub(shrunk.mmul(ut.mmul(inner.basis)));
  const zeros = (along) => beside(along, Matrix.zeros(along.rows, c.length));
  return {
    mean: z.mean("column"),
    basis: beside(back, u.clone().mulRowVector(c.map(Math.sqrt))),
    variances: [...inner.variances, ...c.map(() => 0)],
    centres: zeros(inner.centres),
    weights: zeros(inner.weights),
    rows: zeros(inner.rows),
    labels,
  };
}

function fitWithout(z, labels) {
  const mean = z.mean("column");
  const centred = z.clone().subRowVector(mean);
  const { basis, squares } = span(centred);
  const variances = squares.map((square) => square / Math.max(z.rows - 1, 1));
  const coordinates = centred.mmul(basis);
  const [n, r] = [z.rows, squares.length];
  const own = framesOf(labels);
  const shots = own.map((frames) => frames.length);
  const [centres, weights, rows] = [Matrix.zeros(shots.length, r), Matrix.zeros(shots.length, r), Matrix.zeros(n, r)];
  shots.forEach((count, k) => {
    const share = count / (count + 1); // l_k
    const mine = coordinates.selection(own[k], range(r)); // (n_k, r)
    centres.setRow(k, mine.mean("column"));
    weights.setRow(k, variances.map((variance) => 1 / (1 + (1 - share) * variance)));
    if (count === 1) return; // S_k = 0
    mine.subRowVector(centres.getRow(k));
    const weighted = mine.clone().mulRowVector(weights.getRow(k));
    const inner = gram(mine.mulRowVector(weights.getRow(k).map(Math.sqrt)));
    for (let i = 0; i < count; i++) inner.set(i, i, inner.get(i, i) + (count - 1) / share);
    const found = below(new CholeskyDecomposition(inner).lowerTriangularMatrix, weighted);
    own[k].forEach((frame, i) => rows.setRow(frame, found.getRow(i)));
  });
  return { mean, basis, variances, centres, weights, rows, labels };
}

/** Orthonormal V (D, r) that spans the rows of C (N, D), and its eigenvalues (r,) of C C^T. */
function span(centred) {
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(gram(centred), { assumeSymmetric: true });
  const least = 1e-12 * Math.max(...realEigenvalues, 0);
  const kept = [...realEigenvalues.keys()].filter((j) => realEigenvalues[j] > least);
  if (!kept.length) return { basis: Matrix.zeros(centred.columns, 1), squares: [0] }; // one frame, or all alike
  const squares = kept.map((j) => realEigenvalues[j]);
  const scaled = eigenvectorMatrix.selection(range(centred.rows), kept).divRowVector(squares.map(Math.sqrt));
  return { basis: centred.transpose().mmul(scaled), squares };
}

/** X X^T, of which one half is computed. */
export function gram(x) {
  const rows = x.to2DArray();
  const products = Matrix.zeros(x.rows, x.rows);
  for (let i = 0; i < x.rows; i++)
    for (let j = 0; j <= i; j++) {
      const product = dot(rows[i], rows[j]);
      products.set(i, j, product);
      products.set(j, i, product);
    }
  return products;
}

export function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** L^-1 B of a lower triangular L, from the first row down. */
function below(l, b) {
  const x = b.clone();
  for (let i = 0; i < l.rows; i++) {
    for (let k = 0; k < i; k++) for (let j = 0; j < b.columns; j++) x.set(i, j, x.get(i, j) - l.get(i, k) * x.get(k, j));
    x.mulRow(i, 1 / l.get(i, i));
  }
  return x;
}

function beside(a, b) {
  return Matrix.zeros(a.rows, a.columns + b.columns).setSubMatrix(a, 0, 0).setSubMatrix(b, 0, a.columns);
}

function range(count) {
  return Array.from({ length: count }, (_, i) => i);
}
