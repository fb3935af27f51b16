# What a webhook was sent is known by its digest. It was a revision; a message that is under way goes out anew.

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('state', '0003_sync'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='connection',
            name='sending',
        ),
        migrations.AddField(
            model_name='connection',
            name='sending',
            field=models.JSONField(blank=True, null=True),
        ),
    ]
