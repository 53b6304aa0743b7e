"""What things consist of: scheming schemas, the SKOS taxonomy, shapes."""
