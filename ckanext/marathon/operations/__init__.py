"""Work on the whole site: starter catalogue, backup and restore, health checks, feed jobs."""
