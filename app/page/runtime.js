// onnxruntime for browsers in a worker; "missing" where it is not installed.

const RUNTIME = new URL("../runtime/", import.meta.url);
const SCRIPT = new URL("ort.wasm.bundle.min.mjs", RUNTIME).href;
const WASM = new URL("ort-wasm-simd-threaded.wasm", RUNTIME).href;

export async function runtime() {
  let loaded;
  try {
    loaded = await import(SCRIPT);
  } catch (error) {
    const there = await fetch(SCRIPT, { method: "HEAD" }).catch(() => null);
    throw there?.ok ? error : new Error("missing");
  }
  loaded.env.wasm.wasmPaths = { wasm: WASM };
  loaded.env.wasm.numThreads = 1; // with two, a busy second core makes it slower than with one
  return loaded;
}
