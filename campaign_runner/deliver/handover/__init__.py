"""Where delivered files are: the record, the target and what leaves it, the list and the archives beside them."""
