"""One frozen, typed record for each of dataset, idea, workshop, commitment and organisation.

Each is made in its own module, from what an action of CKAN shows (``from_shown``) or from what the
database stores (``from_stored``), and nowhere else. Pure: no CKAN, no database.
"""
