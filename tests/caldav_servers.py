"""Real CalDAV servers on loopback: Radicale, Xandikos, and Cyrus where Debian's package is.

Each is a process of its own on a random port, with a temporary folder that goes away with it. The
tests of `caldav`, the conformance suite, `tests/interop` and `make run` use them.

    with radicale() as server:
        print(server.url, server.username, server.password)
"""

import os
import pwd
import shutil
import signal
import smtplib
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port

CYRUS = Path("/usr/lib/cyrus/bin")
_DOMAIN = "example.com"
USER = f"alice@{_DOMAIN}"
OTHER = f"bob@{_DOMAIN}"
PASSWORD = "correct horse"
_START = 30.0
_TRIES = 3


@dataclass(frozen=True)
class DavServer:
    """A CalDAV server that answers.

    Attributes:
        name: "radicale", "xandikos" or "cyrus".
        url: where discovery begins.
        users: passwords by user name; Xandikos has one user and takes any password.
        folder: where it keeps what it is given.
        schedules: it delivers invitations between its users.
    """

    name: str
    url: str
    users: Mapping[str, str]
    folder: Path
    schedules: bool = False

    @property
    def username(self) -> str:
        """The first user's name."""
        return next(iter(self.users))

    @property
    def password(self) -> str:
        """The first user's password."""
        return self.users[self.username]

    @property
    def address(self) -> str:
        """The first user's mail address."""
        return self.username if "@" in self.username else f"{self.username}@{_DOMAIN}"


def signed(server: DavServer) -> dict[str, str]:
    """The header that signs requests of the first user (RFC 7617)."""
    pair = b64encode(f"{server.username}:{server.password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


class ServerFailedError(RuntimeError):
    """A server ended, or did not answer in time; its last words are the message."""


# -- the three servers


_RADICALE = """\
[server]
hosts = 127.0.0.1:{port}
[auth]
type = htpasswd
htpasswd_filename = {place}/users
htpasswd_encryption = plain
delay = 0
[storage]
filesystem_folder = {place}/collections
[logging]
level = warning
"""


@contextmanager
def radicale(
    folder: Path | None = None, port: int = 0, users: Mapping[str, str] | None = None
) -> Iterator[DavServer]:
    """Radicale. With `folder`, what it holds outlives it; with `port`, it listens there."""
    users = users or {USER: PASSWORD, OTHER: PASSWORD}
    with _folder(folder) as place:
        (place / "users").write_text("".join(f"{name}:{users[name]}\n" for name in users))
        settings = place / "radicale.conf"

        def command(at: int) -> list[str]:
            settings.write_text(_RADICALE.format(place=place, port=at))
            return [sys.executable, "-m", "radicale", "--config", str(settings)]

        with _running("radicale", command, place, port) as url:
            yield DavServer("radicale", url, users, place)


@contextmanager
def xandikos(folder: Path | None = None, port: int = 0) -> Iterator[DavServer]:
    """Xandikos, which over plain HTTP has one user and asks for no password."""
    with _folder(folder) as place:

        def command(at: int) -> list[str]:
            return [
                sys.executable, "-m", "xandikos", "serve", "--listen-address", "127.0.0.1",
                "--port", str(at), "--directory", str(place / "dav"), "--defaults",
                "--state-dir", str(place / "state"), "--no-detect-systemd",
                "--current-user-principal", "/alice/",
            ]  # fmt: skip

        with _running("xandikos", command, place, port, {"EMAIL": USER}) as url:
            yield DavServer("xandikos", url, {USER: PASSWORD}, place)


@contextmanager
def cyrus(folder: Path | None = None, port: int = 0) -> Iterator[DavServer]:
    """Cyrus IMAP's httpd, the nearest relative of Apple's server; it schedules.

    Raises:
        FileNotFoundError: it is not installed; see `has_cyrus`.
    """
    if not has_cyrus():
        raise FileNotFoundError(CYRUS / "httpd")
    users = {address.partition("@")[0]: PASSWORD for address in (USER, OTHER)}
    with ExitStack() as stack:
        place = stack.enter_context(_folder(folder))
        stack.enter_context(_password_daemon(place / "saslauthd", users))
        owner = _cyrus_user()

        def command(at: int) -> list[str]:
            _write_cyrus_settings(place, at, owner)
            return [
                str(CYRUS / "master"), "-D", "-C", str(place / "imapd.conf"),
                "-M", str(place / "cyrus.conf"), "-p", str(place / "master.pid"),
            ]  # fmt: skip

        url = stack.enter_context(_running("cyrus", command, place, port))
        for name in users:  # the first mail makes a user's mailbox, without which no calendars
            with smtplib.LMTP(str(place / "lmtp")) as mail:
                mail.sendmail(USER, name, f"From: {USER}\r\nSubject: Welcome\r\n\r\n")
        yield DavServer("cyrus", url, users, place, schedules=True)


def has_cyrus() -> bool:
    """Whether Debian's cyrus-caldav is installed, and this process may start it."""
    return (CYRUS / "httpd").exists() and (os.geteuid() == 0 or _cyrus_user() == _me())


SERVERS: dict[str, Callable[[], AbstractContextManager[DavServer]]] = {
    "radicale": radicale,
    "xandikos": xandikos,
    "cyrus": cyrus,
}


# -- processes


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    place = Path(tempfile.mkdtemp(prefix="ucal-caldav-"))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _running(
    name: str,
    command: Callable[[int], list[str]],
    place: Path,
    port: int,
    environment: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """The server's URL, while it runs. A port that somebody else took meanwhile is given up."""
    for attempt in range(_TRIES):
        at = port or free_port()
        log = place / "log.txt"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command(at),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=place,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        try:
            url = f"http://127.0.0.1:{at}/"
            try:
                _wait_until_it_answers(name, url, process, log)
            except ServerFailedError:
                if port or attempt == _TRIES - 1:
                    raise
                continue
            yield url
            return
        finally:
            _end(process)


def _wait_until_it_answers(
    name: str, url: str, process: subprocess.Popen[bytes], log: Path
) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            opener.open(urllib.request.Request(url, method="OPTIONS"), timeout=5).close()
        except urllib.error.HTTPError:
            return  # an answer, if not a friendly one
        except OSError:
            time.sleep(0.05)
        else:
            return
    words = log.read_text(errors="replace")[-2000:]
    raise ServerFailedError(f"{name} does not answer at {url}\n{words}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the server with all the processes of its session."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            break
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            continue
    process.wait(timeout=10)


# -- what Cyrus needs besides


def _me() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name


def _cyrus_user() -> str:
    try:
        return pwd.getpwnam("cyrus").pw_name
    except KeyError:
        return _me()


_IMAPD = """\
configdirectory: {place}/conf
partition-default: {place}/spool
defaultpartition: default
cyrus_user: {owner}
admins: cyrus
httpmodules: caldav
httpallowcompress: no
caldav_allowscheduling: on
caldav_realm: ucal
calendar_user_address_set: example.com
defaultdomain: example.com
virtdomains: off
unixhierarchysep: yes
altnamespace: yes
allowplaintext: yes
autocreate_users: anyone
autocreate_post: yes
autocreate_quota: 0
lmtpsocket: {place}/lmtp
sasl_mech_list: PLAIN
sasl_pwcheck_method: saslauthd
sasl_saslauthd_path: {place}/saslauthd
"""

_CYRUS = """\
START {{
  recover cmd="{bin}/ctl_cyrusdb -C {place}/imapd.conf -r"
}}
SERVICES {{
  http cmd="{bin}/httpd -C {place}/imapd.conf" listen="127.0.0.1:{port}" prefork=1
  lmtp cmd="{bin}/lmtpd -C {place}/imapd.conf" listen="{place}/lmtp" prefork=0
}}
EVENTS {{
}}
DAEMON {{
}}
"""


_CYRUS_FOLDERS = (
    "spool/stage.",
    *(f"conf/{name}" for name in ("db", "lock", "log", "msg", "proc", "quota", "socket", "user")),
)


def _write_cyrus_settings(place: Path, port: int, owner: str) -> None:
    known = {"place": place, "owner": owner, "port": port, "bin": CYRUS}
    (place / "imapd.conf").write_text(_IMAPD.format_map(known))
    (place / "cyrus.conf").write_text(_CYRUS.format_map(known))
    for name in _CYRUS_FOLDERS:
        (place / name).mkdir(parents=True, exist_ok=True)
    if owner != _me():
        for path in (place, *place.rglob("*")):
            shutil.chown(path, owner)


@contextmanager
def _password_daemon(path: Path, users: Mapping[str, str]) -> Iterator[None]:
    """What Cyrus asks whether a password is right: saslauthd's protocol, on a Unix socket.

    A request is four strings (user, password, service, realm), each behind its length in two
    bytes; so is the answer, "OK" or "NO".
    """
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    path.chmod(0o777)
    server.listen()

    def answer(client: socket.socket) -> None:
        with client, client.makefile("rb") as stream:
            words = []
            for _ in range(4):
                (size,) = struct.unpack("!H", stream.read(2))
                words.append(stream.read(size).decode())
            user, password = words[0], words[1]
            verdict = b"OK" if users.get(user) == password else b"NO"
            client.sendall(struct.pack("!H", len(verdict)) + verdict)

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            try:
                answer(client)
            except (OSError, struct.error, ValueError):
                continue

    thread = threading.Thread(target=serve, name="saslauthd", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(timeout=10)
