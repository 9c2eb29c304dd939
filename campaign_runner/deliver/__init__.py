"""Delivered files: chosen images cut to every channel, named, labelled, listed, and kept account of."""
