from django.apps import AppConfig


class CompilationsConfig(AppConfig):
    name = "explorer.compilations"
    label = "compilations"
