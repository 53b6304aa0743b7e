"""One frozen, typed record for each of dataset, idea, workshop, commitment and organisation.

``record`` has the records, ``values`` reads their fields. They are made from what an action of CKAN
shows (``from_shown``) or from what the database stores (``from_stored``), nowhere else. Pure: no
CKAN, no database.
"""
