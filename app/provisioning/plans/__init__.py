"""Plans: which service a description is sold as, who may change that, and what was ordered so far."""
