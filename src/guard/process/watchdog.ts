import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * Waits until the guard's end of the pipe is closed, and then ends the servers of the last line, as the guard would have done had it not been killed.
 * Each line names all running servers as `PID:START` (`START` = field 22 of /proc/PID/stat; `-` = unknown, only the life of the group is checked).
 * A leader with another start is another process and is left alone. A group whose leader is gone keeps its id for as long as it has members.
 * Uses only built-in commands of POSIX shells, and `sleep`. It begins with `trap ''`, by which the scan knows that this shell is not a server.
 */
const script = `trap '' HUP INT TERM
servers=
while read -r line; do servers=$line; done
alive() {
  kill -0 "-$1" 2>/dev/null || return 1
  if [ "$2" != - ] && [ -r "/proc/$1/stat" ]; then
    read -r stat < "/proc/$1/stat" 2>/dev/null || return 0
    set -- "$1" "$2" \${stat##*) }
    [ "$3" != Z ] && [ "$3" != X ] || return 0
    [ "\${22}" = "$2" ]
  fi
}
wait_for() {
  left=$1
  while [ "$left" -gt 0 ]; do
    some=
    for one in $servers; do alive "\${one%%:*}" "\${one#*:}" && some=1; done
    [ -n "$some" ] || exit 0
    sleep 0.2 2>/dev/null || sleep 1
    left=$((left - 1))
  done
}
send() { for one in $servers; do alive "\${one%%:*}" "\${one#*:}" && kill "-$1" "-\${one%%:*}" 2>/dev/null; done; }
wait_for "$1"
send TERM
wait_for 25
send KILL`;

/** Time between two checks in the script, ms; 25 of them lie between SIGTERM and SIGKILL. */
const checkPauseMs = 200;

/** Ends the servers when the guard was killed by SIGKILL. A shell of about 1 MB; there is none on Windows. */
export class Watchdog {
  readonly #child: ChildProcess | undefined;

  /** @param graceMs time for the servers from the end of their input to SIGTERM, ms */
  constructor(graceMs: number) {
    if (process.platform === 'win32') {
      return;
    }
    const checks = String(Math.max(1, Math.ceil(graceMs / checkPauseMs)));
    // A session of its own, so that a signal to the guard's group or terminal does not end it.
    this.#child = spawn('/bin/sh', ['-c', script, 'mcp-shepherd-watchdog', checks], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      cwd: '/',
      env: { PATH: '/usr/bin:/bin' },
    });
    // The guard works without it, too.
    this.#child.on('error', () => undefined);
    this.#child.stdin?.on('error', () => undefined);
    this.#child.unref();
  }

  /** Names the servers that run now. */
  tell(pids: readonly number[]): void {
    this.#child?.stdin?.write(`${pids.map((pid) => `${pid}:${startOf(pid)}`).join(' ')}\n`);
  }

  /** Ends the watchdog: all servers have ended. */
  dismiss(): void {
    this.#child?.kill('SIGKILL');
  }
}

/** Field 22 of /proc/PID/stat; `-` where it cannot be read, and for a process that has ended. */
export function startOf(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? '-' : (fields[19] ?? '-');
  } catch {
    return '-';
  }
}
