"""Tables as people and their spreadsheets take them."""
