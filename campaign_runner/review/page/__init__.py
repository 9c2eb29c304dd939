"""The page on which images are compared and chosen: one document for the disk and for the server of `review`."""
