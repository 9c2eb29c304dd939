"""What a campaign is: its parts and values, and how the wording of a cell is composed."""
