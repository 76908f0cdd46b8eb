from django.apps import AppConfig


class StreamsConfig(AppConfig):
    name = "explorer.streams"
    label = "streams"
