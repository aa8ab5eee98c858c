"""Requests to one API server: read-only, patient to a point, and no failure but one type.

Every request has timeouts. What may pass (429, 5xx, a connection that is cut) is asked again, after the pause that the
server names; where no connection can be had, or none answers in time, nothing more is asked of this server.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from indexer import __version__
from indexer.cluster.credentials import Credential, CredentialError, run_plugin
from indexer.cluster.kubeconfig import Context
from indexer.cluster.model import Trouble
from indexer.deferred import regex

if TYPE_CHECKING:
    import urllib3
    from kubernetes.client import Configuration

JSON: Final = "application/json"
_APPLY: Final = "application/apply-patch+yaml"
_CHUNK: Final = 1 << 16
_PREAMBLE: Final = regex(r"^(?:\w+\(host=.*?\): )?(?:Failed to establish a new connection: )?(?:\[Errno -?\d+\] )?")
_UNAUTHORIZED: Final = 401
_PASSING: Final = frozenset({429, 500, 502, 503, 504})
_TROUBLES: Final = {401: Trouble.UNAUTHORIZED, 403: Trouble.FORBIDDEN, 404: Trouble.ABSENT, 405: Trouble.ABSENT}
_LOSSES: Final = 2
"""So many requests in a row may get no answer before the server counts as down."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a server, in seconds."""

    connect: float = 5.0
    read: float = 30.0
    """Between two pieces of an answer."""
    whole: float = 120.0
    """For a whole answer."""
    attempts: int = 4
    pause: float = 0.3
    """Before the second attempt; twice as long before each further one."""
    longest_pause: float = 10.0
    """A server that asks for a longer one is not asked again."""


class Refused(Exception):
    """A request that got no answer that is of use."""

    def __init__(self, trouble: Trouble, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.trouble = trouble
        self.reason = reason
        self.status = status
        """The HTTP status; None where there was no answer."""


class Connection:
    """The API server of one context. Safe to use from several threads."""

    def __init__(self, context: Context, patience: Patience | None = None) -> None:
        self.context = context
        self.requests = 0
        """How many requests were sent."""
        self._patience = patience or Patience()
        self._lock = Lock()
        self._session: _Session | None = None
        self._losses = 0
        self._down: Refused | None = None

    def get(self, path: str, query: Mapping[str, str] | None = None, accept: str = JSON) -> dict[str, Any]:
        """The JSON object at a path. Raises Refused."""
        return self._ask("GET", f"{path}?{urlencode(query)}" if query else path, accept)

    def preview(self, path: str, manager: str, body: bytes) -> dict[str, Any]:
        """What applying ``body`` (JSON) as a field manager would make; nothing is written. Raises Refused."""
        query = {"dryRun": "All", "fieldManager": manager, "force": "true"}
        return self._ask("PATCH", f"{path}?{urlencode(query)}", JSON, body)

    def _ask(self, method: str, url: str, accept: str, content: bytes | None = None) -> dict[str, Any]:
        renewed = False
        for attempt in range(self._patience.attempts):
            session = self._open()
            try:
                status, headers, body = self._send(session, method, url, accept, content)
            except _Cut as cut:
                if attempt + 1 == self._patience.attempts:
                    raise self._lost(f"the connection to {session.server} breaks: {cut}") from None
                self._pause(attempt, Refused(Trouble.BROKEN, str(cut)), None)
                continue
            if status == _UNAUTHORIZED and not renewed:
                renewed = True
                self._renew(session)
                continue
            if status in _PASSING:
                self._pause(attempt, _refusal(status, body, self.context), headers.get("Retry-After"))
                continue
            if not 200 <= status < 300:
                raise _refusal(status, body, self.context)
            try:
                return _object(body)
            except ValueError:
                self._pause(attempt, Refused(Trouble.BROKEN, "the answer is no JSON"), None)
        raise Refused(Trouble.UNAUTHORIZED, _NOT_ACCEPTED.format(self.context.name), _UNAUTHORIZED)

    def close(self) -> None:
        """Ends all connections."""
        if self._session is not None:
            self._session.pool.clear()

    def _open(self) -> _Session:
        with self._lock:
            if self._down is not None:
                raise self._down
            if self._session is None or self._session.expired:
                try:
                    self._session = _Session.of(self.context)
                except CredentialError as error:
                    self._down = Refused(Trouble.UNAUTHORIZED, str(error))
                except (OSError, ValueError) as error:
                    self._down = Refused(Trouble.UNREACHABLE, f"context {self.context.name} cannot be used: {error}")
                if self._down is not None or self._session is None:
                    raise self._down or Refused(Trouble.UNREACHABLE, "no session")
            self.requests += 1
            return self._session

    def _renew(self, used: _Session) -> None:
        """Forgets credentials that the server does not take, unless another thread has done so already."""
        with self._lock:
            if self._session is used:
                self._session = None

    def _send(
        self, session: _Session, method: str, url: str, accept: str, content: bytes | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        import urllib3

        timeout = urllib3.Timeout(connect=self._patience.connect, read=self._patience.read)
        until = time.monotonic() + self._patience.whole
        try:
            response = session.pool.request(
                method,
                session.server + url,
                body=content,
                headers=_with(session.headers, accept, _APPLY if content is not None else None),
                timeout=timeout,
                retries=False,
                redirect=False,
                preload_content=False,
            )
            try:
                body = b""
                for piece in response.stream(_CHUNK, decode_content=True):
                    body += piece
                    if time.monotonic() > until:
                        raise TimeoutError
            finally:
                response.close()
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
            raise self._give_up(f"{session.server} does not answer: {_words(error)}") from None
        except urllib3.exceptions.SSLError as error:
            raise self._give_up(f"{session.server} is not trusted: {_words(error)}") from None
        except urllib3.exceptions.ProxyError as error:
            raise self._give_up(f"the proxy to {session.server} does not answer: {_words(error)}") from None
        except (urllib3.exceptions.ReadTimeoutError, TimeoutError):
            raise self._lost(f"{session.server} gives no answer in {self._patience.read:g} seconds") from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _Cut(_words(error)) from None
        self._losses = 0
        return response.status, response.headers, body

    def _lost(self, reason: str) -> Refused:
        self._losses += 1
        return self._give_up(reason) if self._losses >= _LOSSES else Refused(Trouble.BROKEN, reason)

    def _give_up(self, reason: str) -> Refused:
        self._down = Refused(Trouble.UNREACHABLE, reason)
        return self._down

    def _pause(self, attempt: int, refused: Refused, wanted: str | None) -> None:
        """Waits before the next attempt; raises ``refused`` where there is none, or where it would be too far off."""
        seconds = _seconds(wanted) if wanted else self._patience.pause * 2**attempt
        if attempt + 1 >= self._patience.attempts or seconds > self._patience.longest_pause:
            raise refused
        time.sleep(seconds)


class _Cut(Exception):
    """The connection ended before the answer did."""


_NOT_ACCEPTED: Final = "the server does not accept the credentials of context {}: log in again"


@dataclass(frozen=True, slots=True)
class _Session:
    """Connections with the credentials of one moment."""

    server: str
    pool: urllib3.PoolManager
    headers: tuple[tuple[str, str], ...]
    credential: Credential | None

    @property
    def expired(self) -> bool:
        return self.credential is not None and self.credential.expired

    @classmethod
    def of(cls, context: Context) -> _Session:
        """Reads certificates and tokens, and runs the exec plugin. Raises CredentialError, OSError, ValueError."""
        import urllib3
        from kubernetes.client import Configuration
        from kubernetes.client.rest import RESTClientObject
        from kubernetes.config import load_kube_config_from_dict
        from kubernetes.config.config_exception import ConfigException

        if not context.server:
            raise ValueError("its cluster names no server: correct the kubeconfig")
        if context.cluster.get("insecure-skip-tls-verify"):
            # Who wrote that into the kubeconfig need not be told at every request.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        user, credential = _authenticated(context)
        configuration = Configuration()
        entries = {
            "current-context": context.name,
            "contexts": [{"name": context.name, "context": {"cluster": "it", "user": "it"}}],
            "clusters": [{"name": "it", "cluster": dict(context.cluster)}],
            "users": [{"name": "it", "user": user}],
        }
        try:
            load_kube_config_from_dict(entries, client_configuration=configuration)  # type: ignore[no-untyped-call]
        except ConfigException as error:
            raise ValueError(str(error)) from None
        headers = [("User-Agent", f"fluxidx/{__version__}"), ("Accept-Encoding", "gzip"), *_impersonation(user)]
        if authorization := configuration.get_api_key_with_prefix("BearerToken"):
            headers.append(("Authorization", authorization))
        return cls(_url(configuration), RESTClientObject(configuration).pool_manager, tuple(headers), credential)


def _url(configuration: Configuration) -> str:
    """The server's address; one without a scheme means what it means to kubectl. Raises ValueError."""
    server: str = configuration.host
    if "://" not in server:
        server = f"http{'s' if configuration.ssl_ca_cert or not configuration.verify_ssl else ''}://{server}"
    if not server.lower().startswith(("http://", "https://")):
        raise ValueError(f"its server {server} is no http or https address: correct the kubeconfig")
    return server


def _authenticated(context: Context) -> tuple[dict[str, Any], Credential | None]:
    """The user with the token or certificate that it has at this moment; a static token wins over a plugin."""
    user = {key: value for key, value in context.user.items() if key not in {"exec", "tokenFile"}}
    if file := context.user.get("tokenFile"):
        with open(str(file), encoding="utf-8") as opened:  # noqa: PTH123 - OSError names the file
            user["token"] = opened.read().strip()
    plugin = context.user.get("exec")
    if not isinstance(plugin, dict) or user.get("token"):
        return user, None
    credential = run_plugin(plugin, context.cluster)
    if credential.token:
        user["token"] = credential.token
    if credential.certificate and credential.key:
        user["client-certificate-data"] = base64.b64encode(credential.certificate.encode()).decode()
        user["client-key-data"] = base64.b64encode(credential.key.encode()).decode()
    return user, credential


def _impersonation(user: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The headers of ``as`` and its kin, which the client library leaves out."""
    if user.get("as"):
        yield "Impersonate-User", str(user["as"])
    if user.get("as-uid"):
        yield "Impersonate-Uid", str(user["as-uid"])
    for group in user.get("as-groups") or ():
        yield "Impersonate-Group", str(group)
    for key, values in (user.get("as-user-extra") or {}).items():
        for value in values:
            yield f"Impersonate-Extra-{quote(str(key), safe='')}", str(value)


def _with(headers: Iterable[tuple[str, str]], accept: str, content: str | None) -> urllib3.HTTPHeaderDict:
    """The headers of a request; one name may stand there several times."""
    import urllib3

    made = urllib3.HTTPHeaderDict()
    for name, value in (*headers, ("Accept", accept)):
        made.add(name, value)
    if content is not None:
        made.add("Content-Type", content)
    return made


def _refusal(status: int, body: bytes, context: Context) -> Refused:
    """What a status that is no success means, with the server's own words where it has some."""
    if status == _UNAUTHORIZED:
        return Refused(Trouble.UNAUTHORIZED, _NOT_ACCEPTED.format(context.name), status)
    try:
        said = str(_object(body).get("message") or "")
    except ValueError:
        said = ""
    trouble = _TROUBLES.get(status, Trouble.BROKEN)
    return Refused(trouble, f"{said or 'the server gave no reason'} ({status})", status)


def _object(body: bytes) -> dict[str, Any]:
    """Raises ValueError for anything but a JSON object."""
    found = json.loads(body)
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found


def _seconds(wanted: str) -> float:
    """What ``Retry-After`` says: seconds, or a date."""
    try:
        return max(float(wanted), 0.0)
    except ValueError:
        pass
    try:
        return max((parsedate_to_datetime(wanted) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return 0.0


def _words(error: Exception) -> str:
    """The message of an error without what is said anyway."""
    return _PREAMBLE.sub("", str(getattr(error, "reason", None) or error))
