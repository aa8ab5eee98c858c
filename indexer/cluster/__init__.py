"""Live clusters: what runs, what Flux says of it, and what could not be read. Reads only, and never a Secret's data.

The only room that imports the Kubernetes client, and that only in ``connection``, when a cluster is asked.
"""
