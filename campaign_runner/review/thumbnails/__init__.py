"""Small pictures to look at: JPEGs, 320 and 1,280 pixels long, named by the bytes they were made from."""
