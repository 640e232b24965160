"""Built-in simulators: images with exact labels, without a download."""
