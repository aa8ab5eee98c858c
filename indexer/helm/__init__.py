"""Helm: the values of a release with their places, charts as files, and templates rendered by Helm's own engine."""
