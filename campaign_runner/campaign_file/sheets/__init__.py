"""Products from a spreadsheet: rows become products of the campaign file, each cell a text with its place."""
