"""The operating system's view of the process: signals, memory, open files."""
