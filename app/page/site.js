import "./adapt/worker.js";
