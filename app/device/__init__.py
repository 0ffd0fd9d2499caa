"""What runs without the server: onnxruntime for browsers, and the bundle to take away."""
