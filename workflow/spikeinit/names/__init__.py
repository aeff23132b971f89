"""Names that a configuration may use. Nothing is imported here, so that planning stays instant."""
