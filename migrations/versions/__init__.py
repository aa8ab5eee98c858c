"""One module a migration; their numbers are their order."""
