"""Marks made without the page: on the command line, from a table that came back, from a file of another campaign."""
