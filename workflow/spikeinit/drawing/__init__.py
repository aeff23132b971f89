"""How figures look: one style for all, and one name and look for everything that is drawn in several of them."""
