"""Look and choose: what people decided about the images of a campaign, and what follows from it."""
