"""How bodies come."""
