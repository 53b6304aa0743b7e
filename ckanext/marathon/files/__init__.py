"""What a file tells: its tables, their columns and types, and personal data in them.

Pure Python: nothing here imports CKAN.
"""
