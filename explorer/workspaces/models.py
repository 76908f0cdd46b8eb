"""What a permalink opens; never changed once written."""

from django.db import models


class Workspace(models.Model):
    slug = models.CharField(max_length=16, primary_key=True)
    content = models.TextField()
    """JSON of the Workspace struct."""
    created = models.DateTimeField(auto_now_add=True)
