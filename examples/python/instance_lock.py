"""Instance Lock Protocol 1 on Linux with the standard library: hold("path", "~/data", "memory") holds the lock until the process ends."""
import atexit, contextlib, fcntl, hashlib, json, os, pwd, re, secrets, subprocess, time

def start(pid):  # clock ticks since boot; the program's name before the last bracket may contain anything
    return "lx:" + open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[19]

def living(folder, key, host):  # running servers whose record names this key
    for name in filter(re.compile("[0-9a-f]{32}[.]json$").match, os.listdir(folder)):
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError, RecursionError):  # unreadable
            with open(os.open(f"{folder}/{name}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)) as file:
                record = json.loads(file.read(65536))
            if record["host"] == host and key in [lock["key"] for lock in record["locks"]]:
                if start(int(record["server"]["pid"])) == record["server"]["start"]:
                    yield f"PID {record['server']['pid']} ({str(record['serverId'])[:64]!r})"

def hold(kind, resource, server, **facts):  # kind: path, port ("tcp:8931") or name; facts: package, deps, client … of the record
    uid, home = os.geteuid(), pwd.getpwuid(os.geteuid()).pw_dir
    remote = re.search("nfs|cifs|smb|9fs|fuse|ceph|lustre|gpfs|afs|coda", subprocess.getoutput(f"stat -f -c %T '{home}'"))
    base = os.environ.get("MCP_RUN_DIR") or (f"/var/tmp/.mcp-run-{uid}" if remote else f"{home}/.mcp-run")
    for folder in (base, f"{base}/v1", f"{base}/v1/locks", f"{base}/v1/instances"):
        info = os.path.isabs(folder) and os.lstat(os.makedirs(folder, 0o700, exist_ok=True) or folder)  # a relative one differs between working directories
        if not info or (info.st_uid, info.st_mode & 0o170077) != (uid, 0o040000): raise PermissionError(f"not an absolute path, or not mode 700: {folder}")
    name = os.path.realpath(re.sub("^~(?=/|$)", home, resource)) if kind == "path" else resource
    key, id, until = hashlib.sha256(f"ilp1\n{kind}\n{name}".encode()).hexdigest()[:32], secrets.token_hex(16), time.monotonic() + 0.3
    lock, path = None, f"{base}/v1/locks/{key}.lock"
    while lock is None and time.monotonic() < until:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
        try: fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError: lock = os.close(lock) or time.sleep(0.03)  # None: try again
    host = {"boot": open("/proc/sys/kernel/random/boot_id").read().strip(), "pidns": os.readlink("/proc/self/ns/pid")[5:-1]}
    rivals = " and ".join(living(folder, key, host))  # also with the lock held: a server may have outlived its guard
    if lock is None or rivals or not os.path.samestat(os.fstat(lock), os.lstat(path)):
        raise BlockingIOError(f"{name} is held by {rivals or 'a process without a record'}")  # the program should then exit with 75
    disk = os.stat(name) if kind == "path" and os.path.exists(name) else None
    entry = {"key": key, "kind": kind, "resource": name, **({"dev": str(disk.st_dev), "ino": str(disk.st_ino)} if disk else {})}
    record = {"ilp": 1, "minReader": 1, "id": id, "seq": 1, "state": "running", "exclusion": "flock", "host": host, "serverId": server,
              "server": {"pid": os.getpid(), "start": start(os.getpid())}, "locks": [entry], **facts}
    with open(f"{folder}/{id}.json.tmp", "x", opener=lambda file, flags: os.open(file, flags, 0o600)) as file: json.dump(record, file)
    os.rename(f"{folder}/{id}.json.tmp", f"{folder}/{id}.json")
    return atexit.register(os.unlink, f"{folder}/{id}.json") and lock  # the kernel frees the lock when the process ends, in whatever way
