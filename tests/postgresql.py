"""A PostgreSQL server of its own for tests, where its programs are installed."""

import getpass
import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

FAST = "-c fsync=off -c full_page_writes=off -c shared_buffers=16MB -c max_connections=40"


def programs():
    """Return the folder of initdb, or None; Debian keeps it out of the way."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("initdb")
    places += [Path(found).resolve().parent] if found else []
    return next((p for p in places if (p / "initdb").is_file()), None)


def unprivileged():
    """Return how to run a command as somebody whom PostgreSQL accepts, and who that is."""
    if os.geteuid() != 0:
        return [], getpass.getuser()
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
    return ["runuser", "-u", "postgres", "--"], "postgres"


@contextmanager
def server():
    """Start a server on a socket in a temporary folder; give its URL, and end it."""
    where = programs()
    if where is None:
        pytest.skip("no PostgreSQL: initdb was not found")
    prefix, user = unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="ysmean-pg-"))

    def run(program, *arguments):
        command = [*prefix, str(where / program), *map(str, arguments)]
        subprocess.run(command, check=True, capture_output=True, cwd=folder)

    try:
        shutil.chown(folder, user)
        data = folder / "data"
        run("initdb", "-D", data, "-U", user, "-A", "trust", "-N", "--no-instructions")
        options = f"-k {folder} -c listen_addresses='' {FAST}"
        run("pg_ctl", "-D", data, "-l", folder / "log", "-w", "-o", options, "start")
        try:
            yield f"postgresql://{user}@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def emptied(url):
    """Drop what another test left, and return the URL."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET client_min_messages = warning")
        connection.execute("DROP TABLE IF EXISTS ysmean_events, ysmean_store")
    return url
