"""Everything that is wrong with a campaign file, found at once."""
