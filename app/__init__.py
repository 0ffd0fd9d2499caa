"""The page and the command line. Imports `model`, never `training` and never torch."""

import model  # noqa: F401 - before anything imports Gradio: it switches telemetry off
