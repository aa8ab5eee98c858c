"""Real servers for tests: an API server, Flux and Git over HTTP, on free ports, in a folder of the test."""

from servers.apiserver import ApiServer, Object, Refused
from servers.binaries import Unavailable, binary, find
from servers.flux import Flux, Outcome
from servers.gitserver import GitServer
from servers.process import Failed
from servers.proxy import Fault, Proxy

__all__ = [
    "ApiServer",
    "Failed",
    "Fault",
    "Flux",
    "GitServer",
    "Object",
    "Outcome",
    "Proxy",
    "Refused",
    "Unavailable",
    "binary",
    "find",
]
