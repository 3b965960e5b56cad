"""The tests of gradwalk, laid out as the rooms they test."""
