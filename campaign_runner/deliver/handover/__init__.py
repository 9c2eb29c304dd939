"""Where delivered files lie: the record, the target and what leaves it, the list and the archives beside them."""
