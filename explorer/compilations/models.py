"""What is kept for good: compilations with their events, and the bodies those name."""

from django.db import models
from django.db.models import Q


class Compilation(models.Model):
    """One request and, once it has ended, its whole journal. While it runs, the journal is in Redis."""

    key = models.CharField(max_length=64, primary_key=True)
    request = models.TextField()
    """Canonical JSON of the CompileRequest."""
    engine_version = models.CharField(max_length=200)
    created = models.DateTimeField(auto_now_add=True)
    ended = models.DateTimeField(null=True)
    status = models.CharField(max_length=16, default="")
    """done, failed or cancelled; empty until it has ended."""
    answered = models.BooleanField(default=False)
    """Whether asking again gives this result, or runs it again (after a cancel, a limit or an internal error)."""
    events = models.TextField(default="")
    """One event a line, as journalled."""

    class Meta:
        indexes = (models.Index(fields=["created"], condition=Q(ended=None), name="compilation_unfinished"),)


class Blob(models.Model):
    """A body named by the sha256 of its bytes, kept as it is sent."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    encoding = models.CharField(max_length=8)
    """gzip or identity."""
    media_type = models.CharField(max_length=40)
    data = models.BinaryField()
