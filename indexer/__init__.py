"""fluxidx: which code controls this Kubernetes object, and where exactly is it defined?"""

__version__ = "0.1.0"
