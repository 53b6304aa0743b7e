"""Environment of alembic; CKAN sets the address of the database."""

import os

from alembic import context
from ckan.model.meta import metadata
from sqlalchemy import engine_from_config, pool

config = context.config
name = os.path.basename(os.path.dirname(__file__))


def include_object(object_, object_name, type_, reflected, compare_to):
    return type_ != "table" or object_name.startswith(name)


OPTIONS = {
    "target_metadata": metadata,
    "version_table": f"{name}_alembic_version",
    "include_object": include_object,
}


def run_migrations_offline():
    url = config.get_main_option("sqlalchemy.url")
    context.configure(url=url, literal_binds=True, **OPTIONS)
    with context.begin_transaction():
        context.run_migrations()


def run_migrations_online():
    engine = engine_from_config(
        config.get_section(config.config_ini_section), prefix="sqlalchemy.", poolclass=pool.NullPool
    )
    with engine.connect() as connection:
        context.configure(connection=connection, **OPTIONS)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    run_migrations_offline()
else:
    run_migrations_online()
