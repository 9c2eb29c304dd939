"""What is in an image file: whether it is whole, and how far two are apart."""
