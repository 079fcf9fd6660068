"""Values of a scenario that are estimated from its data: the search, and how well the data tell them."""
