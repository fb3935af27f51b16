"""What words of a search are looked for in, beside each state."""

from django.db import migrations, models
from django.db.models import F, Value
from django.db.models.functions import Concat, Lower


def fill(apps, schema_editor):
    """As far as it stands in columns; the next write of a state adds its name."""
    states = apps.get_model("state", "State").objects.using(schema_editor.connection.alias)
    # PostgreSQL has to be told what becomes of columns of two types.
    words = Concat(F("key"), Value("\n"), F("tags"), F("owners"), output_field=models.TextField())
    states.update(text=Lower(words))


class Migration(migrations.Migration):
    dependencies = [("state", "0004_sending")]

    operations = [
        migrations.AddField(
            model_name="state", name="text", field=models.TextField(blank=True, default="")
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
