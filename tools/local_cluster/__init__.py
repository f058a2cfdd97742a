"""A cluster on one machine, for ./dev up, down and demo."""
