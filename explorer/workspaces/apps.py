from django.apps import AppConfig


class WorkspacesConfig(AppConfig):
    name = "explorer.workspaces"
    label = "workspaces"
