"""What other campaigns beside this one have: used here, and never bought twice."""
