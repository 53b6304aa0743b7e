"""Every URL of ours."""
