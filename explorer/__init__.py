"""The Django project: HTTP, sockets, queue and workers around `compiler_core`."""
