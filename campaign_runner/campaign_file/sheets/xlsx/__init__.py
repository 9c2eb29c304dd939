"""Excel workbooks, read as what they are: a ZIP archive of XML parts, of which only texts, values and formats count.

openpyxl writes our workbooks and knows their number formats. The cells are read here: its streaming reader tells
neither merged nor hidden cells nor formulas without a result, and what it reads has no bound.
"""
