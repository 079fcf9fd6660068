"""Which question: each a function of one Scenario."""
