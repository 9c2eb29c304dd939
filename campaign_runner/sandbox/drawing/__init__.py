"""How placeholder pictures are drawn: a thing on a table before a wall, in the colours of its look."""
