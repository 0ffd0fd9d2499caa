"""What runs without the server: onnxruntime for browsers, a bundle to take away, and a site."""
