"""The rules of the house, one file a family; tools/tidy.py runs them."""
