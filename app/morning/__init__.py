"""The morning mail: what was done, what needs somebody, and how the systems are."""
