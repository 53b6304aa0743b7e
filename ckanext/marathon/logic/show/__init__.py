"""What ``package_show`` adds to a record, and what it hides from whom; one file a noun."""
