"""The contact sheet: one picture of what a campaign made, rows of cells, columns of seeds.

`contents` is what is on it, `layout` where, `drawing` how it looks, `writing` puts it in the
output folder. It is for looking only: nothing reads it back, and failing to draw it fails nothing.
"""
