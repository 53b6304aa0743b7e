"""What nobody may see who is not let in: one world, looked at from everywhere."""
