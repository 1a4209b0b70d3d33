"""The story of an order, from the signed contract to a billed and welcomed customer."""
