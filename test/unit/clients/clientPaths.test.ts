import { deepEqual } from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'mocha';
import { clientTable } from '../../../src/clients/clientTable.ts';

const golden = fileURLToPath(new URL('golden/paths.txt', import.meta.url));

/** Every file of every client on one system, a line each; `~` is the home directory. */
function paths(platform: 'linux' | 'darwin' | 'win32'): string[] {
  const home = '/home/ada';
  const places = {
    home,
    platform,
    env: platform === 'win32' ? { APPDATA: `${home}/AppData/Roaming`, LOCALAPPDATA: `${home}/AppData/Local` } : {},
  };
  const rows = clientTable.filter(({ systems }) => systems?.includes(platform) ?? true);
  const shown = (path: string): string => path.replaceAll('\\', '/').replace(home, '~');
  return rows.flatMap((row) => [
    ...row.files.flatMap(({ at, scope, format, of }) => {
      const files =
        at.kind === 'fixed'
          ? at.paths(places)
          : at.kind === 'workspace-file'
            ? ['WORKSPACE']
            : at.paths.flatMap((path) =>
                at.kind === 'user-dir'
                  ? (row.userDirs?.(places) ?? ['USERDIR']).map((dir) => `${dir}/${path}`)
                  : [`${at.kind === 'folder' ? 'PROJECT' : 'PLUGIN'}/${path}`],
              );
      return files.map((file) => `${platform} ${row.id} ${scope} ${format}${of === undefined ? '' : ` of ${of}`}: ${shown(file)}`);
    }),
    ...(row.plugins?.folders?.(places) ?? []).map((folder) => `${platform} ${row.id} plugins: ${shown(folder)}`),
    ...(row.plugins?.lists ?? []).map((file) => `${platform} ${row.id} plugins: MARKETPLACE/${file}`),
  ]);
}

describe('paths of the clients’ files', () => {
  it('are those of the golden list on Linux, macOS and Windows', () => {
    const found = [...paths('linux'), ...paths('darwin'), ...paths('win32')];
    if (process.env.UPDATE_GOLDEN === '1') {
      writeFileSync(golden, `${found.join('\n')}\n`);
    }
    deepEqual(found, readFileSync(golden, 'utf8').trimEnd().split('\n'));
  });
});
