"""The text of a campaign file: parsed safely, every key and value at its place."""
