"""The configuration: its schema, its checks, and what lists and stand-ins in it become."""
