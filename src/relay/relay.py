# The relay of MCP Shepherd, for Python 3.6 and newer: see contract.ts, which says what it sends and obeys, and relaySession.ts, which is the same for Node.js.
# python3 -I -S relay.py NODE GUARD WORDS: NODE runs GUARD (guard.cjs) as a host, or, where no host takes the session, as a guard in the place of this process.
import errno
import os
import select
import signal
import socket
import stat
import sys
import time

node, guard, words = sys.argv[1], sys.argv[2], sys.argv[3:]
window, whole_line = 1048576, 16 * 1048576
# For a larger buffer the C library asks the kernel for memory at each read.
most_read = 65536
dashes = words.index('--') if '--' in words else -1
options, command = words[:max(dashes, 0)], words[dashes + 1:] if dashes >= 0 else []

# Python adds LC_CTYPE where nothing names a locale; the server gets what the client gave.
try:
    with open('/proc/self/environ', 'rb') as given:
        if not any(one.startswith(b'LC_CTYPE=') for one in given.read().split(b'\0')):
            os.environ.pop('LC_CTYPE', None)
except OSError:
    pass


def alone():
    os.execvp(node, [node, guard, '--alone'] + words)


if not command or any(word.split('=')[0] in ('--alone', '--lock', '--http', '--help', '-h') for word in options):
    alone()
run = os.environ.get('MCP_RUN_DIR') or None
for at, word in enumerate(options):
    if word == '--run-dir' and at + 1 < len(options):
        run = options[at + 1]
    elif word.startswith('--run-dir='):
        run = word[10:]
if run is None:
    import pwd
    run = pwd.getpwuid(os.geteuid()).pw_dir + '/.mcp-run'
folder = run + '/shepherd/host'


def parent(path):
    return os.path.dirname(path.rstrip('/')) or '/'


def refused():
    """Whether another user could have made what is there, or could put something else in its place; what is missing is no reason. See storage/privateFolder.ts."""
    user = os.geteuid()
    for path in (run, run + '/shepherd', folder):
        try:
            info = os.lstat(path)
        except OSError:
            break
        if not stat.S_ISDIR(info.st_mode) or info.st_uid != user or info.st_mode & 0o022:
            return True
    trusted = {user, 0}
    try:
        with open('/proc/self/uid_map') as known:
            if known.read().split() != ['0', '0', '4294967295']:
                trusted.add(65534)
    except OSError:
        pass
    seen, above = set(), [parent(run)]
    while above:
        path = above.pop()
        if path in seen:
            continue
        seen.add(path)
        above.append(parent(path))
        try:
            info = os.lstat(path)
            if info.st_uid not in trusted:
                return True
            if stat.S_ISLNK(info.st_mode):
                above.append(os.path.join(parent(path), os.readlink(path)))
            elif info.st_mode & 0o1002 == 2:
                return True
        except OSError:
            pass
    return False


if not run.startswith('/') or len(os.fsencode(folder + '/socket')) > 100 or refused():
    alone()


def find_outlet():
    """Returns what writes to the client, and whether it never waits. A pipe that others may hold open too is not made non-blocking."""
    mode = os.fstat(1).st_mode
    if stat.S_ISSOCK(mode):
        client = socket.socket(fileno=os.dup(1))
        return lambda queue: client.send(queue, socket.MSG_DONTWAIT), True
    try:
        again = os.open('/proc/self/fd/1', os.O_WRONLY | os.O_NONBLOCK) if stat.S_ISFIFO(mode) else None
    except OSError:
        again = None
    if again is not None:
        return lambda queue: os.write(again, queue), True
    return lambda queue: os.write(1, queue), False


outlet, quick = find_outlet()
# So many bytes fit into a pipe that is writable.
most = 262144 if quick else select.PIPE_BUF


class Lines:
    """Lines of one source on their way to the host; kept until the host has dealt with them."""

    def __init__(self, source):
        self.source, self.kept, self.bytes, self.done, self.rest, self.over = source, [], 0, 0, [], False
        # The host lets whole lines pass; of the kept frames, so many reach the client through the host; whether a line has left in part.
        # For the client `direct` is the server that gets its lines at once.
        self.direct, self.indirect, self.within = False, 0, False


class Server:
    def __init__(self, pid, inlet, outlet, errors):
        self.pid, self.inlet, self.errors, self.lines = pid, inlet, errors, Lines(outlet)
        self.state, self.queue, self.closing, self.stuck, self.own = 'running', bytearray(), False, False, 0


class Relay:
    def __init__(self):
        # For the client: what waits, how much of it is not from the host, whether it has to wait.
        self.client, self.queue, self.own, self.stuck = Lines(0), bytearray(), 0, not quick
        self.servers, self.ledger, self.written = {}, {}, {}
        # Numbers frames.
        self.order = 0
        self.host, self.out, self.got, self.batch = None, bytearray(), bytearray(), []
        # What waits for the host has to leave now. What was only passed leaves with the next message, at the latest after 20 ms.
        self.hurry = False
        self.heard = self.closed = self.pinged = 0
        # Whether a host has said that another one goes on.
        self.refused, self.lost, self.moved = False, [], False
        self.alone, self.exit, self.deadlines, self.signalled = False, None, [], False
        self.wake, waker = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(waker, False)
        signal.set_wakeup_fd(waker)


relay = Relay()
names = {signal.SIGHUP: 'SIGHUP', signal.SIGINT: 'SIGINT', signal.SIGTERM: 'SIGTERM', signal.SIGUSR2: 'SIGUSR2'}
try_again = (BlockingIOError, InterruptedError)


def frame(kind, name, body=b''):
    return b'%s %s %d\n%s' % (kind.encode(), name.encode(), len(body), body)


def to_host(kind, name, body=b''):
    if relay.host:
        relay.out += frame(kind, name, body if isinstance(body, (bytes, bytearray)) else str(body).encode())
        relay.hurry = relay.hurry or kind not in ('passed', 'sent')


def secret():
    try:
        for path, kind in ((folder, stat.S_ISDIR), (folder + '/secret', stat.S_ISREG)):
            info = os.lstat(path)
            if not kind(info.st_mode) or info.st_uid != os.geteuid() or info.st_mode & 0o077:
                return None
        if refused():
            return None
        file = os.open(folder + '/secret', os.O_RDONLY | os.O_NOFOLLOW)
        try:
            return os.read(file, 200)
        finally:
            os.close(file)
    except OSError:
        return None


def default_signals():
    for one in (signal.SIGPIPE, signal.SIGXFSZ, *names):
        signal.signal(one, signal.SIG_DFL)


def run_host(own=None):
    """Two forks: the host belongs to no client."""
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        return
    try:
        if os.fork():
            os._exit(0)
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        default_signals()
        os.chdir('/')
        null = os.open('/dev/null', os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        if own is not None:
            os.dup2(own, 3)
        kept = {name: os.environ[name] for name in ('PATH', 'HOME', 'USER', 'TMPDIR', 'LANG') if name in os.environ}
        # The last host's program: an update may have removed this one's.
        program = os.fsdecode(relay.ledger.get('program', b''))
        os.execvpe(node, [node, program if os.path.isfile(program) else guard, 'host', run] + (['own'] if own is not None else []), kept)
    finally:
        os._exit(127)


def start_host():
    mark = folder + '/starting'
    if refused():
        return
    try:
        os.mkdir(folder, 0o700)
    except OSError:
        pass
    try:
        if time.time() - os.lstat(mark).st_mtime > 2:
            os.unlink(mark)
    except OSError:
        pass
    try:
        os.close(os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileNotFoundError:
        pass
    except OSError:
        return
    run_host()


def greeting(known):
    spaces = []
    for name in ('mnt', 'pid', 'user'):
        try:
            spaces.append(os.readlink('/proc/self/ns/' + name))
        except OSError:
            pass
    fields = [b'secret=' + known, b'can=open', b'pid=%d' % os.getpid(), b'ppid=%d' % os.getppid(), b'cwd=' + os.getcwdb(), b'ns=' + ' '.join(spaces).encode()]
    fields += [b'arg=' + os.fsencode(word) for word in words]
    fields += [b'env=' + name + b'=' + value for name, value in os.environb.items()]
    fields += [b'keep=' + name.encode() + b' ' + value for name, value in relay.ledger.items()]
    fields += [('server=%s %d %s' % (name, one.pid, one.state)).encode() for name, one in relay.servers.items()]
    return frame('hello', '1', b'\0'.join(fields))


def greet(host, known, until):
    """Sends the greeting, and waits for the answer. Returns whether the host took the session."""
    host.setblocking(False)
    send, got = greeting(known), b''
    while not got.endswith(b'\n'):
        left = until - time.monotonic()
        if left <= 0 or relay.alone:
            return False
        _, writable, _ = select.select([host], [host] if send else [], [], left)
        try:
            if send and writable:
                send = send[host.send(send):]
            one = host.recv(1)
            if not one:
                return False
            got += one
        except try_again:
            pass
        except OSError:
            return False
    relay.refused = got.startswith(b'no ')
    if got != b'ready 1 0\n':
        return False
    relay.host, relay.out, relay.got, relay.batch = host, bytearray(), bytearray(), []
    relay.heard, relay.pinged, relay.moved = time.monotonic(), 0, False
    named = [('-', relay.client)] + [(name, one.lines) for name, one in relay.servers.items()]
    sources = [lines for _, lines in named]
    for lines in sources:
        lines.done, lines.direct = 0, False
    for kept in sorted([kept for lines in sources for kept in lines.kept], key=lambda kept: kept[3]):
        to_host(*kept[:3])
    for name, lines in named:
        if lines.over:
            to_host('eof', name)
    return True


def find_host(limit):
    until, late = time.monotonic() + limit, time.monotonic() + 4
    while time.monotonic() < until and not relay.alone:
        known = secret()
        host = socket.socket(socket.AF_UNIX)
        try:
            if known is None:
                raise OSError
            host.connect(folder + '/socket')
        except OSError:
            host.close()
            start_host()
            if limit < 2 and time.monotonic() < late and os.path.exists(folder + '/starting'):
                until = time.monotonic() + 1
        else:
            if greet(host, known, until):
                return True
            host.close()
            if relay.refused and limit < 2:
                return False
        time.sleep(0.03)
    return False


def pass_lines(name, lines, body):
    if relay.alone:
        if name != '-':
            relay.queue += body
        return
    kind = 'lines'
    ends = body.endswith(b'\n')
    one = relay.servers.get(lines.direct) if name == '-' else None
    is_open = one and not one.closing and one.state == 'running' if name == '-' else lines.direct
    if is_open and not lines.indirect and not lines.within and ends:
        if one:
            kind, name = 'sent', lines.direct
            one.queue += body
            one.own += len(body)
        else:
            kind = 'passed'
            relay.queue += body
            relay.own += len(body)
    else:
        lines.indirect += 1
    lines.within = not ends
    relay.order += 1
    lines.kept.append((kind, name, body, relay.order))
    lines.bytes += len(body)
    to_host(kind, name, body)


def read_lines(name, lines):
    """Returns whether more may come."""
    try:
        chunk = os.read(lines.source, most_read)
    except try_again:
        return True
    except OSError:
        chunk = b''
    end = chunk.rfind(b'\n') + 1
    if end or not chunk or sum(map(len, lines.rest)) > whole_line:
        body = b''.join(lines.rest + [chunk[:end] if end else chunk])
        lines.rest = [chunk[end:]] if 0 < end < len(chunk) else []
        if body:
            pass_lines(name, lines, body)
    else:
        lines.rest.append(chunk)
    if not chunk:
        lines.over = True
        to_host('eof', name)
    return bool(chunk)


def took(name, count):
    """Bytes of the host were written. A frame for each would cost as much as the message."""
    count += relay.written.pop(name, 0)
    if count < 131072:
        relay.written[name] = count
    else:
        to_host('took', name, count)


def start_server(name, wants_errors):
    ours = []
    try:
        in_read, in_write = os.pipe()
        out_read, out_write = os.pipe()
        told, tell = os.pipe()
        ours = [in_write, out_read, told]
        err_read, err_write = os.pipe() if wants_errors else (None, 2)
        pid = os.fork()
    except OSError as error:
        to_host('failed', name, '%s %s' % (errno.errorcode.get(error.errno, 'UNKNOWN'), error.strerror))
        return
    if not pid:
        try:
            signal.set_wakeup_fd(-1)
            default_signals()
            os.setpgid(0, 0)
            os.dup2(in_read, 0)
            os.dup2(out_write, 1)
            if wants_errors:
                os.dup2(err_write, 2)
            os.execvp(command[0], command)
        except OSError as error:
            os.write(tell, b'%d' % error.errno)
        finally:
            os._exit(127)
    for fd in (in_read, out_write, tell) + ((err_write,) if wants_errors else ()):
        os.close(fd)
    failed = os.read(told, 20)
    os.close(told)
    if failed:
        os.waitpid(pid, 0)
        for fd in (in_write, out_read) + ((err_read,) if wants_errors else ()):
            os.close(fd)
        code = errno.errorcode.get(int(failed), 'UNKNOWN')
        to_host('failed', name, '%s spawn %s %s (%s)' % (code, command[0], code, os.strerror(int(failed))))
        return
    for fd in (in_write, out_read) + ((err_read,) if wants_errors else ()):
        os.set_blocking(fd, False)
    relay.servers[name] = Server(pid, in_write, out_read, err_read)
    to_host('started', name, pid)


def signal_group(one, number):
    try:
        os.killpg(one.pid, number)
    except OSError:
        pass


def done(name, total):
    """The host has dealt with so many frames of this connection."""
    one = relay.servers.get(name)
    lines = relay.client if name == '-' else one.lines if one else None
    if lines:
        count = total - lines.done
        for kind, _, body, _ in lines.kept[:count]:
            lines.bytes -= len(body)
            lines.indirect -= kind == 'lines'
        del lines.kept[:count]
        lines.done = total
        forget(name)


def obey(kind, name, body):
    one = relay.servers.get(name)
    if kind == 'lines' and name == '-':
        relay.queue += body
    elif kind == 'lines' and one and one.inlet is not None:
        one.queue += body
    elif kind == 'lines':
        took(name, len(body))
    elif kind == 'keep':
        relay.ledger[name] = body
    elif kind == 'drop':
        relay.ledger.pop(name, None)
    elif kind == 'start':
        start_server(name, body == b'errors')
    elif kind == 'direct':
        if one:
            one.lines.direct = body == b'on'
        if body != b'on':
            to_host('apart', name)
    elif kind == 'open':
        relay.client.direct = name if body == b'on' else False
        if body != b'on':
            to_host('shut', name)
    elif kind == 'close' and one:
        one.closing = True
        close_inputs()
    elif kind == 'kill' and one:
        signal_group(one, getattr(signal, body.decode()))
    elif kind == 'say':
        write_errors(body)
    elif kind == 'exit':
        relay.exit = body.decode()


def write_errors(body):
    try:
        os.write(2, body)
    except OSError:
        pass


def forget(name):
    """A server that is gone, and of which everything is dealt with."""
    one = relay.servers.get(name)
    if one and one.state != 'running' and one.errors is None and one.lines.over and not one.lines.kept and not relay.alone:
        close_input(one)
        del relay.servers[name]


def close_input(one):
    if one.inlet is not None:
        os.close(one.inlet)
        one.inlet = None


def close_inputs():
    for one in relay.servers.values():
        if one.closing and not one.queue:
            close_input(one)


def lose_host():
    relay.host.close()
    relay.host = None
    if relay.client.over or relay.signalled:
        return end_alone()
    # A session that ends each host must not end those of others.
    now = time.monotonic()
    relay.lost = [at for at in relay.lost if now - at < 60] + ([] if relay.moved else [now])
    if len(relay.lost) < 4 and find_host(10) or relay.alone:
        return None
    mine, its = socket.socketpair()
    run_host(its.fileno())
    its.close()
    return None if greet(mine, b'', time.monotonic() + 10) else end_alone()


def grace():
    return int(relay.ledger.get('grace', b'10000')) / 1000


def leave_host():
    try:
        relay.host.send(frame('bye', '-'))
    except OSError:
        pass


def end_alone():
    """Ends the servers without a host: the end of their input, then SIGTERM, then SIGKILL. What they still write reaches the client."""
    if relay.alone:
        return
    if relay.host:
        leave_host()
        relay.host.close()
        relay.host = None
    relay.alone = True
    for one in relay.servers.values():
        relay.queue += b''.join([body for kind, _, body, _ in one.lines.kept if kind == 'lines'] + one.lines.rest)
        one.lines.kept, one.lines.rest, one.closing = [], [], True
        one.queue.clear()
    close_inputs()
    relay.deadlines = [(time.monotonic() + grace(), signal.SIGTERM), (time.monotonic() + grace() + 5, signal.SIGKILL)]


def check_signals():
    try:
        numbers = os.read(relay.wake, 100)
    except try_again:
        numbers = b''
    for number in numbers:
        name = names.get(number)
        if name is None:
            continue
        if number != signal.SIGUSR2:
            relay.signalled = True
            for one in relay.servers.values():
                if one.state == 'running':
                    signal_group(one, number)
        to_host('signal', name)
        if number != signal.SIGUSR2:
            input_ended()
    for name, one in list(relay.servers.items()):
        if one.state == 'running':
            pid, status = os.waitpid(one.pid, os.WNOHANG)
            if pid:
                killed = os.WIFSIGNALED(status)
                one.state = 'signal ' + signal.Signals(os.WTERMSIG(status)).name if killed else 'code %d' % os.WEXITSTATUS(status)
                to_host('ended', name, one.state)
                forget(name)


def input_ended():
    """The host ends the session. Without one, or when it hangs, this process does."""
    if not relay.host:
        end_alone()
    elif not relay.closed:
        relay.closed = time.monotonic() + grace() + 8


def write(write_some, queue):
    """Returns how many bytes are done with."""
    try:
        return write_some(queue)
    except try_again:
        return 0
    except OSError:
        return len(queue)


def write_client():
    count = write(outlet, relay.queue if len(relay.queue) <= most else relay.queue[:most])
    del relay.queue[:count]
    relay.stuck = bool(relay.queue) or not quick
    passed = min(relay.own, count)
    relay.own -= passed
    if count > passed:
        took('-', count - passed)


def write_server(name, one):
    count = write(lambda queue: os.write(one.inlet, queue), one.queue if len(one.queue) <= 65536 else one.queue[:65536])
    del one.queue[:count]
    one.stuck = bool(one.queue)
    sent = min(one.own, count)
    one.own -= sent
    if count > sent:
        took(name, count - sent)
    close_inputs()


def send_host():
    try:
        del relay.out[:relay.host.send(relay.out)]
        relay.hurry = bool(relay.out)
    except try_again:
        pass
    except OSError:
        lose_host()


def read_host():
    try:
        chunk = relay.host.recv(most_read)
    except try_again:
        return None
    except OSError:
        chunk = b''
    if not chunk:
        return lose_host()
    relay.heard, relay.pinged = time.monotonic(), 0
    relay.got += chunk
    at = 0
    while True:
        end = relay.got.find(b'\n', at)
        if end < 0:
            break
        try:
            kind, name, size = relay.got[at:end].decode().split(' ')
            last = end + 1 + int(size)
        except ValueError:
            return lose_host()
        if len(relay.got) < last:
            break
        if kind == 'commit':
            batch, relay.batch = relay.batch, []
            for one in batch:
                obey(*one)
            words = relay.got[end + 1:last].decode().split()
            for index in range(0, len(words), 2):
                done(words[index], int(words[index + 1]))
        elif kind == 'over':
            relay.moved = True
        elif kind != 'pong':
            relay.batch.append((kind, name, bytes(relay.got[end + 1:last])))
        at = last
    del relay.got[:at]
    return None


def turn():
    client, servers, host = relay.client, relay.servers, relay.host
    read = [relay.wake] + ([host] if host else [])
    taker = servers.get(client.direct)
    if not client.over and not relay.alone and client.bytes <= window and (not taker or len(taker.queue) <= window):
        read.append(0)
    if len(relay.queue) <= window:
        read += [one.lines.source for one in servers.values() if one.lines.source is not None and one.lines.bytes <= window]
    read += [one.errors for one in servers.values() if one.errors is not None]
    # Not `relay.out` itself, which may be filled in this turn.
    waits = bool(host and relay.out and not relay.hurry)
    send = ([1] if relay.queue else []) + ([host] if host and relay.out and relay.hurry else [])
    send += [one.inlet for one in servers.values() if one.inlet is not None and one.queue]
    readable, writable, _ = select.select(read, send, [], 0.1 if relay.alone else 0.02 if waits else 5)
    if relay.wake in readable or not readable:
        check_signals()
    if host and host is relay.host and host in readable:
        read_host()
    if 0 in readable and not client.over and not relay.alone and not read_lines('-', client):
        input_ended()
    for name, one in list(servers.items()):
        if one.lines.source in readable and not read_lines(name, one.lines):
            os.close(one.lines.source)
            one.lines.source = None
            forget(name)
        if one.errors in readable:
            try:
                text = os.read(one.errors, 65536)
            except try_again:
                continue
            if not text:
                os.close(one.errors)
                one.errors = None
                to_host('silent', name)
                forget(name)
            elif relay.host:
                to_host('errors', name, text)
            else:
                write_errors(text)
        # Most of the time there is room: one turn less for each call.
        if one.inlet is not None and one.queue and (not one.stuck or one.inlet in writable):
            write_server(name, one)
    if relay.queue and (not relay.stuck or 1 in writable):
        write_client()
    if relay.host and relay.out and (relay.hurry or waits or len(relay.out) > 65536):
        send_host()


def check_host():
    if relay.pinged:
        leave_host()
        lose_host()
    elif time.monotonic() - relay.heard > 5 and (relay.client.kept or any(one.lines.kept for one in relay.servers.values())):
        relay.pinged = 1
        to_host('ping', '-')


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    if not find_host(1):
        default_signals()
        alone()
    for one in (signal.SIGCHLD, *names):
        signal.signal(one, lambda *_: None)
    checked = time.monotonic()
    while relay.exit is None or relay.queue:
        turn()
        now = time.monotonic()
        if relay.alone:
            left = [one for one in relay.servers.values() if one.state == 'running']
            if left and relay.deadlines and now > relay.deadlines[0][0]:
                number = relay.deadlines.pop(0)[1]
                for one in left:
                    signal_group(one, number)
            if not left and relay.exit is None:
                relay.exit = relay.servers[max(relay.servers, key=int)].state if relay.servers else 'code 1'
        elif relay.closed and now > relay.closed:
            end_alone()
        elif relay.host and now - checked > 5:
            checked = now
            check_host()
    kind, value = relay.exit.split(' ')
    if kind == 'signal':
        signal.signal(getattr(signal, value), signal.SIG_DFL) if value not in ('SIGKILL', 'SIGSTOP') else None
        os.kill(os.getpid(), getattr(signal, value))
        time.sleep(1)
    os._exit(int(value) if kind == 'code' else 1)


main()
