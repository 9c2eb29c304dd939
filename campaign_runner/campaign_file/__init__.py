"""From YAML text to a Campaign, with everything that is wrong with it at once."""
