"""The index: rendered units as rows of a database, written in one transaction, read through documented views."""
