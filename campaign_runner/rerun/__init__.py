"""The images of a manifest made again, from it alone, and compared with the recorded ones pair by pair."""
