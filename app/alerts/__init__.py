"""Staff are told when something is wrong with the system itself: one mail when it begins, one when it is over."""
