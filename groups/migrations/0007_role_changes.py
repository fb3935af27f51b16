from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("groups", "0006_agents_and_settings")]

    operations = [
        migrations.AddField(
            model_name="member",
            name="role_changed_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="member",
            name="role_changed_by",
            # Processes of the version before go on writing members while this one is brought in.
            field=models.CharField(blank=True, db_default="", editable=False, max_length=150),
        ),
    ]
