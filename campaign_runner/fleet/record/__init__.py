"""The record of a campaign in the fleet: entries in the database, and a copy of them that everything here reads."""
