import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../package/command.ts';
import { testCache } from '../../package/testCache.ts';

const packages = [
  'needrestart',
  'libintl-perl',
  'libproc-processtable-perl',
  'libsort-naturally-perl',
  'libterm-readkey-perl',
  'libmodule-find-perl',
  'libmodule-scandeps-perl',
];

/** needrestart's tolerance between a process's start and the change of a file that it reports, and what its start may be wrong by; milliseconds. */
export const needrestartToleranceMs = 3_000;

/** Asks needrestart whether it reports a process. */
export interface Needrestart {
  readonly version: string;
  reports(pid: number): Promise<boolean>;
}

/**
 * Debian's needrestart, unpacked into the test cache with the Perl modules that it needs: nothing is installed, so the system's apt gets no hook. Its own settings
 * except that temporary directories count, because the tests work there. It looks at all processes that it sees: only for a PID namespace of its own.
 *
 * @returns why it cannot be had here, else the program
 */
export async function needrestart(): Promise<Needrestart | { readonly missing: string }> {
  const folder = join(testCache(), 'needrestart');
  const root = join(folder, 'root');
  if (!existsSync(join(root, 'usr', 'sbin', 'needrestart'))) {
    mkdirSync(root, { recursive: true });
    try {
      await run('apt-get', ['download', ...packages], { cwd: folder, env: process.env });
      for (const file of readdirSync(folder).filter((name) => name.endsWith('.deb'))) {
        await run('dpkg-deb', ['-x', file, root], { cwd: folder, env: process.env });
      }
    } catch (error) {
      return { missing: `its Debian packages cannot be had here (${error instanceof Error ? error.message.split('\n')[0] : 'error'})` };
    }
  }
  if (process.getuid?.() !== 0) {
    return { missing: 'it looks at other users’ processes and runs as root only' };
  }
  const perl = [join(root, 'usr/share/perl5')];
  const native = join(root, 'usr/lib', execFileSync('dpkg-architecture', ['-qDEB_HOST_MULTIARCH'], { encoding: 'utf8' }).trim(), 'perl5');
  perl.push(...readdirSync(native).map((version) => join(native, version)));
  const settings = join(folder, 'settings.conf');
  const hooks = join(folder, 'hooks');
  mkdirSync(hooks, { recursive: true });
  writeFileSync(
    settings,
    `$nrconf{restart} = 'l';
$nrconf{kernelhints} = 0;
$nrconf{ucodehints} = 0;
$nrconf{hook_d} = '${hooks}';
$nrconf{blacklist_interp} = [];
$nrconf{blacklist_mappings} = [qr(^/(SYSV00000000( \\(deleted\\))?|drm(\\s|$)|dev/)), qr(^/memfd:), qr(^/\\[aio\\])];
`,
  );
  const ask = async (): Promise<string> =>
    run('sh', ['-c', 'exec "$@" 2>&1', 'sh', 'perl', join(root, 'usr/sbin/needrestart'), '-v', '-b', '-r', 'l', '-l', '-c', settings], {
      cwd: folder,
      env: { ...process.env, PERL5LIB: perl.join(':'), LC_ALL: 'C' },
    });
  const version = /NEEDRESTART-VER: (\S+)/.exec(await ask())?.[1];
  if (version === undefined) {
    return { missing: 'it does not run here' };
  }
  return {
    version,
    async reports(pid) {
      return new RegExp(`#${pid} uses (obsolete|deleted|non-existing) `).test(await ask());
    },
  };
}
