"""SQLite: the write-ahead log, which stays on once switched on. It cannot be switched inside a transaction."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def switch_on(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "sqlite":
        with editor.connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode=WAL")


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("compilations", "0001_initial")]
    operations = [migrations.RunPython(switch_on, migrations.RunPython.noop)]
