"""Where pictures are delivered: the table of channels, and what of a picture a channel shows."""
