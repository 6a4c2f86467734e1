import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * Waits until the guard's end of the pipe is gone, and then ends the servers that were named last: what the guard would have done, had it not been killed.
 * Each line names all servers that run, as `PID:START` (`START` = field 22 of /proc/PID/stat, or `-`: only whether the PID's group lives is known).
 * A leader that is another process by now ends the watch; a group whose leader is gone keeps its number for as long as somebody is in it.
 * Built-in commands of every POSIX shell, and `sleep`. It begins with `trap ''`, by which process lists know that it serves nobody.
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

/** From SIGTERM to SIGKILL are 25 looks. */
const lookMs = 200;

/** Ends the servers when the guard was killed by a signal that nobody can catch. A shell of about 1 MB; there is none on Windows, which ends them itself. */
export class Watchdog {
  readonly #child: ChildProcess | undefined;

  /** @param graceMs what the servers get between the end of their input and SIGTERM */
  constructor(graceMs: number) {
    if (process.platform === 'win32') {
      return;
    }
    const looks = String(Math.max(1, Math.ceil(graceMs / lookMs)));
    // A session of its own: what ends the guard's group or terminal must not end the one who cleans up.
    this.#child = spawn('/bin/sh', ['-c', script, 'mcp-shepherd-watchdog', looks], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      cwd: '/',
      env: { PATH: '/usr/bin:/bin' },
    });
    // Without it the guard does its work all the same.
    this.#child.on('error', () => undefined);
    this.#child.stdin?.on('error', () => undefined);
    this.#child.unref();
  }

  /** Which servers run now. */
  tell(pids: readonly number[]): void {
    this.#child?.stdin?.write(`${pids.map((pid) => `${pid}:${startOf(pid)}`).join(' ')}\n`);
  }

  /** All is ended: nobody has to clean up. */
  dismiss(): void {
    this.#child?.kill('SIGKILL');
  }
}

function startOf(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '-';
  } catch {
    return '-';
  }
}
