"""The engine under load: Ctrl-C at any moment, graphs of any size, and many threads at once."""
