"""A PostgreSQL server on a free port, for tests."""
import contextlib
import getpass
import os
import pathlib
import shutil
import socket
import subprocess
import time

PROGRAMS = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))


class Postgres:
    def __init__(self, dsn, psql):
        self.dsn, self.psql = dsn, psql

    def ask(self, sql):
        """What psql prints: rows as lines, columns between bars."""
        return subprocess.run([self.psql, "-qAt", "-d", self.dsn, "-c", sql], capture_output=True, text=True, check=True).stdout.strip()

    def load(self, path):
        subprocess.run([self.psql, "-q", "-d", self.dsn, "-f", path], capture_output=True, text=True, check=True)


@contextlib.contextmanager
def postgres_server(folder):
    """A real one; it refuses to be run by root."""
    assert PROGRAMS, "PostgreSQL's server is not here: apt-get install postgresql"
    programs = PROGRAMS[-1]
    for parent in (folder, *folder.parents):
        if parent.owner() == getpass.getuser() and str(parent).startswith("/tmp/"):
            parent.chmod(0o755)
    who = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
    if who:
        shutil.chown(folder, "postgres", "postgres")
    data = folder / "data"
    subprocess.run([programs / "initdb", "-D", data, "-U", "owner", "-A", "trust", "-N"], check=True,
                   stdout=subprocess.DEVNULL, cwd=folder, **who)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([programs / "postgres", "-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1",
                               "-c", "fsync=off", "-k", folder], cwd=folder, stderr=subprocess.DEVNULL, **who)
    started = Postgres(f"postgresql://owner@127.0.0.1:{port}/postgres", programs / "psql")
    for _ in range(300):
        with contextlib.suppress(subprocess.CalledProcessError):
            started.ask("SELECT 1")
            break
        time.sleep(0.1)
    yield started
    server.terminate()
    server.wait()
