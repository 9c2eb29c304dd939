"""Originals to the bytes of delivered files: colours, crops, formats, weight, and what each file says of itself."""
