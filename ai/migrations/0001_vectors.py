from django.db import migrations
from pgvector.django import VectorExtension


class Migration(migrations.Migration):
    """The type of the columns that hold vectors. pgvector marks itself as trusted or not by its version: where
    it does not, an operator creates the extension once as a superuser (docs/operations.md)."""

    initial = True
    dependencies = [("banking", "0001_initial")]

    operations = [VectorExtension()]
