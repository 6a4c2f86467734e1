"""Makes sure that one HTTP server runs on a port of this machine, in the right version. Standard library; Linux, macOS with lsof.

    from ensure import ensure_server
    result = ensure_server("notes", 8700, "1.4.0", ["python3", "-m", "notes_mcp", "--port", "{port}"], shutdown=True)
    result["server_status"]  # reused, started, replaced; newer, older, unknown, foreign: not touched; failed: message, log, log_tail

The server answers GET /health with {"status", "version", "pid"} and, if possible, "name": only the name distinguishes another server that has a version. Only a server that listens itself and reports an older version is
replaced; a newer one, one without a version, and another program are never ended. Concurrent callers start the server once; `mcp-shepherd ensure` takes the same lock.
"""
import argparse, contextlib, errno, fcntl, hashlib, http.client, json, os, pwd, re, signal, socket, subprocess, sys, time

HEALTH_SECONDS, LEAVE_SECONDS, TAIL_LINES = 3, 10, 20


def ensure_server(name, port, version, command, *, shutdown=False, passive=False, timeout=30, cwd=None, env=None):
    """shutdown: True, or the token that POST /shutdown requires; passive: replace nothing. A server cannot make it raise."""
    seen = look(name, port, version, passive)
    if seen["server_status"] not in ("free", "replace"):
        return seen
    with only_one(port, timeout + 2 * LEAVE_SECONDS) as lock:
        if lock is None:
            return answer("failed", name, port, version, message="another program starts or replaces this server and does not finish")
        seen = look(name, port, version, passive)  # under the lock: another program may have acted
        if seen["server_status"] not in ("free", "replace"):
            return seen
        if seen["server_status"] == "replace" and not stop(seen["pid"], port, shutdown):
            return answer("failed", name, port, version, pid=seen["pid"], message=f"PID {seen['pid']} could not be ended")
        return start(name, port, version, [word.replace("{port}", str(port)) for word in command], seen, timeout, cwd, env)


def look(name, port, version, passive):
    pids, health = listeners(port), {}
    if pids == []:
        return answer("free", name, port, version)
    health, pid = ask_health(port), pids[0] if pids else None
    who = f"PID {pid}" if pid else "a process that cannot be seen"
    if health.get("pid") not in pids or health.get("name", name) != name:
        return answer("foreign", name, port, version, pid=pid, message=f"port {port} is held by {who}, which does not seem to be {name}; left alone")
    pid, runs = health["pid"], health.get("version")
    order = compare(runs, version)
    known = dict(pid=pid, runs=runs if isinstance(runs, str) else None)
    where = f"{name} runs as PID {pid} on port {port}, version {runs}"
    if order == 0:
        return answer("reused", name, port, version, **known, message=f"{where}: reused")
    if order is None:
        return answer("unknown", name, port, version, **known, message=f"{where}; not comparable with {version}; left alone")
    if order > 0:
        return answer("newer", name, port, version, **known, message=f"{where}, which is newer than {version}; left alone")
    return answer("older" if passive else "replace", name, port, version, **known, message=f"{where}, which is older than {version}; left alone")


def start(name, port, version, command, before, timeout, cwd, env):
    folder = private(os.path.join(run_folder(), "shepherd", "logs"))
    log = os.path.join(folder, f"ensure-{re.sub('[^A-Za-z0-9_.-]', '_', name)[:80]}-{port}.log")
    try:
        with open(log, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as output:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, cwd=cwd,
                                     env={**os.environ, "PORT": str(port), **(env or {})})
    except OSError as error:
        return answer("failed", name, port, version, message=f"{name} could not be started: {error}", log=log, log_tail=[])
    until, reason = time.monotonic() + timeout, f"{name} did not answer on port {port} within {timeout:g} s, and was ended again"
    while time.monotonic() < until:
        code = child.poll()
        if code not in (None, 0):
            reason = f"{name} ended with {code} before it listened"
            break
        health = ask_health(port) if listeners(port) else None
        if health and health.get("pid") in listeners(port):
            runs = health.get("version")
            if runs != version:
                reason = f"{name} was started and runs {runs} instead of {version}: the command starts another version"
                return answer("failed", name, port, version, pid=health["pid"], runs=runs, message=reason, log=log, log_tail=tail(log))
            old = before if before["server_status"] == "replace" else None
            said = f"{name} {old['version']} was replaced by version {runs}" if old else f"{name} was started, version {runs}"
            more = {"previous": {"pid": old["pid"], "version": old["version"]}} if old else {}
            return answer("replaced" if old else "started", name, port, version, pid=health["pid"], runs=runs, message=f"{said}: PID {health['pid']} on port {port}", **more)
        time.sleep(0.1)
    if child.poll() is None:  # ends what it started: its own session is its own group
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    other = look(name, port, version, True)
    if other["server_status"] == "reused":  # started by a caller that was killed; it listens only now
        return other
    return answer("failed", name, port, version, message=reason, log=log, log_tail=tail(log))


def stop(pid, port, shutdown):
    """Ends exactly this process: by /shutdown if the caller allows it, otherwise or after a limit by signals. Then waits until the port is free."""
    born = started(pid)
    gone = lambda: started(pid) != born
    if shutdown:
        with contextlib.suppress(OSError, http.client.HTTPException):
            headers = {} if shutdown is True else {"Authorization": f"Bearer {shutdown}"}
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("POST", "/shutdown", headers=headers)
            if connection.getresponse().status < 300:
                wait_for(gone, LEAVE_SECONDS)
            connection.close()
    for name in (signal.SIGTERM, signal.SIGKILL):
        if born is None or gone() or pid not in (listeners(port) or [pid]):
            break
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, name)
        wait_for(gone, LEAVE_SECONDS)
    return (born is None or gone()) and wait_for(lambda: listeners(port) == [], LEAVE_SECONDS)


def ask_health(port):
    """The JSON object that GET /health returns within 3 seconds; {} for any other answer or none. Never raises."""
    deadline, data = time.monotonic() + HEALTH_SECONDS, b""
    try:
        with socket.create_connection(("127.0.0.1", port), HEALTH_SECONDS) as connection, contextlib.suppress(TimeoutError):
            # HTTP 1.0: the answer is not chunked and ends with the connection.
            connection.sendall(f"GET /health HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
            while (left := deadline - time.monotonic()) > 0 and len(data) < 65536:
                connection.settimeout(left)
                part = connection.recv(4096)
                if not part:
                    break
                data += part
        head, _, body = data.partition(b"\r\n\r\n")
        value = json.loads(body)
        return value if re.match(rb"HTTP/1\.[01] 200\b", head) and isinstance(value, dict) and isinstance(value.get("status"), str) else {}
    except (OSError, ValueError, RecursionError):
        return {}


def listeners(port):
    """PIDs that hold the port on the loopback; [] = none, [None] = a process of another user."""
    if not os.path.exists("/proc/net/tcp"):
        found = subprocess.run(["lsof", "-nP", "-t", f"-iTCP:{port}", "-sTCP:LISTEN"], capture_output=True, text=True).stdout
        return [int(pid) for pid in found.split()]
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError), open(table) as lines:
            for fields in (line.split() for line in list(lines)[1:]):
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                    inodes.add(f"socket:[{fields[9]}]")
    pids = []
    for pid in filter(str.isdigit, os.listdir("/proc") if inodes else []):
        with contextlib.suppress(OSError):
            for fd in os.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    if os.readlink(f"/proc/{pid}/fd/{fd}") in inodes and int(pid) not in pids:
                        pids.append(int(pid))
    return pids or ([None] if inodes else [])


def started(pid):
    """Start time of a process; None when it has ended or is a zombie."""
    try:
        if os.path.exists("/proc/self/stat"):
            with open(f"/proc/{pid}/stat") as stat:
                fields = stat.read().rpartition(")")[2].split()
            return None if fields[0] in "ZX" else fields[19]
        return subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True).stdout.strip() or None
    except OSError:
        return None


def compare(runs, wanted):
    """-1, 0, 1; None when the two cannot be compared, because one is not a version."""
    shape = re.compile(r"v?(\d+(?:\.\d+)*)$")
    both = [shape.match(text) if isinstance(text, str) else None for text in (runs, wanted)]
    if not all(both):
        return None
    left, right = ([int(part) for part in match[1].split(".")] for match in both)
    width = max(len(left), len(right))
    left, right = left + [0] * (width - len(left)), right + [0] * (width - len(right))
    return (left > right) - (left < right)


@contextlib.contextmanager
def only_one(port, seconds):
    """The lock for starting a server on this port; None when another program does not release it. The kernel frees it when this process ends."""
    folder = private(os.path.join(run_folder(), "v1", "intents"))
    target = hashlib.sha256(f"shepherd\nensure\n{port}".encode()).hexdigest()[:32]
    lock = os.open(os.path.join(folder, f"{target}.lock"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        yield lock if wait_for(lambda: locked(lock), seconds) else None
    finally:
        os.close(lock)


def locked(lock):
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            raise
        return False


def run_folder():
    return os.environ.get("MCP_RUN_DIR") or os.path.join(pwd.getpwuid(os.geteuid()).pw_dir, ".mcp-run")


def private(folder):
    os.makedirs(folder, 0o700, exist_ok=True)
    if os.path.islink(folder) or os.stat(folder).st_uid != os.geteuid() or os.stat(folder).st_mode & 0o77:
        raise PermissionError(f"{folder} must be a directory of this user alone (mode 700)")
    return folder


def wait_for(holds, seconds):
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def tail(log):
    with contextlib.suppress(OSError), open(log, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - 4096))
        return file.read().decode(errors="replace").splitlines()[-TAIL_LINES:]
    return []


def answer(status, name, port, wanted, pid=None, runs=None, message="", **more):
    return {"server_status": status, "name": name, "port": port, "pid": pid, "version": runs, "wanted": wanted, "message": message, **more}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Makes sure that one HTTP server runs behind its port, in the right version.")
    parser.add_argument("name")
    parser.add_argument("port", type=int)
    parser.add_argument("version")
    parser.add_argument("--passive", action="store_true")
    parser.add_argument("--shutdown", action="store_true")
    parser.add_argument("--timeout", type=float, default=30)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    words = options.command[1:] if options.command[:1] == ["--"] else options.command
    result = ensure_server(options.name, options.port, options.version, words, shutdown=options.shutdown, passive=options.passive, timeout=options.timeout)
    print(json.dumps(result))
    sys.exit({"reused": 0, "started": 0, "replaced": 0, "foreign": 2, "failed": 2}.get(result["server_status"], 3))
