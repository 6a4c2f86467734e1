import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Waits until the host's end of the pipe is closed. Then it ends the servers of the last line whose relay is gone, too, as the host would have done. Those of relays that run belong to
 * the next host, which has a watchdog of its own; for 20 s this one looks whether their relays are killed meanwhile.
 * A line names all running servers as `PID:START:RELAY:START:CHECKS` (`START` as in `guard/process/watchdog.ts`; CHECKS until SIGTERM). It begins with `trap ''`, by which the scan
 * knows that this shell is not a server.
 */
const script = `trap '' HUP INT TERM
servers=
while read -r line; do servers=$line; done
runs() {
  kill -0 "$1" 2>/dev/null || return 1
  [ "$2" != - ] && { read -r stat < "/proc/\${1#-}/stat"; } 2>/dev/null || return 0
  set -- "$1" "$2" \${stat##*) }
  case "$1$3" in -*[ZX]) return 0;; *[ZX]) return 1;; esac
  [ "\${22}" = "$2" ]
}
left=100
while [ -n "$servers" ]; do
  rest=
  for one in $servers; do
    IFS=:; set -- $one; IFS=' '
    runs "-$1" "$2" || continue
    if runs "$3" "$4"; then
      [ "$left" -lt 1 ] || rest="$rest $one"
      continue
    fi
    [ "$5" -ne 0 ] || kill -TERM "-$1" 2>/dev/null
    [ "$5" -ne -25 ] || kill -KILL "-$1" 2>/dev/null
    [ "$5" -lt -50 ] || rest="$rest $1:$2:$3:$4:$(($5 - 1))"
  done
  servers=$rest
  left=$((left - 1))
  [ -z "$servers" ] || sleep 0.2 2>/dev/null || sleep 1
done`;

/** Time between two checks in the script, ms. */
const checkMs = 200;
/** Changes within this time are one line, ms: with hundreds of servers a line is long. */
const tellMs = 20;

/** A process, by its PID and its start time (`-` where that cannot be read). */
interface Known {
  readonly pid: number;
  readonly start: string;
}

/** Ends servers whose relay was killed together with the host. One shell of about 1 MB for all servers; it begins with the first one. */
export class HostWatchdog {
  readonly #servers = new Map<number, string>();
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param graceMs from the end of the server's input to SIGTERM @returns call it when the server has ended */
  watch(server: Known, relay: Known, graceMs: number): () => void {
    const checks = Math.max(1, Math.ceil(graceMs / checkMs));
    this.#servers.set(server.pid, `${server.pid}:${server.start}:${relay.pid}:${relay.start}:${checks}`);
    this.#tell();
    return () => {
      this.#servers.delete(server.pid);
      this.#tell();
    };
  }

  #tell(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#child ??= begin();
      this.#child.stdin?.write(`${[...this.#servers.values()].join(' ')}\n`);
    }, tellMs);
  }
}

function begin(): ChildProcess {
  // A session of its own, so that a signal to the group of the host does not end it.
  const child = spawn('/bin/sh', ['-c', script, 'mcp-shepherd-watchdog'], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
    env: { PATH: '/usr/bin:/bin' },
  });
  // The host works without it, too.
  child.on('error', () => undefined);
  child.stdin?.on('error', () => undefined);
  child.unref();
  return child;
}
