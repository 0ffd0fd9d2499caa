// What adapting in a page needs besides onnxruntime: `install.py` makes one file of it, with its licences.
export { CholeskyDecomposition, EigenvalueDecomposition, Matrix } from "ml-matrix"; // the head
export { default as protobuf } from "protobufjs/minimal.js"; // writing tensors into an ONNX file
export { decode, encode } from "fast-png"; // frames in a profile
export { unzipSync, zipSync } from "fflate"; // the profile
