"""The scheduler: the only part that joins the others, and it knows them only as ports."""
