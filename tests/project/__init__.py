"""What holds the project together: its tree, its imports, its packaging, its examples."""
