import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stageExtension } from '../../../scripts/editor/stageExtension.ts';
import { packCli } from '../../../scripts/system/packCli.ts';
import { packVsix } from '../../../scripts/system/packVsix.ts';
import { projectRoot } from '../../../scripts/system/projectPaths.ts';
import { until } from '../../until.ts';
import { GuardHome, processesWith, publishedGuards, strictServer } from '../guard/guardedServer.ts';
import { onlyOnLinux } from '../onlyOnLinux.ts';
import { run } from '../package/command.ts';

/** Each unpacks what a user installs. @returns its `cli.cjs` */
const packages: Readonly<Record<string, (folder: string) => Promise<string>>> = {
  async 'the package of the extension'(folder) {
    const files = stageExtension(join(folder, 'files'));
    cpSync(join(projectRoot, '.vscodeignore'), join(files, '.vscodeignore'));
    await packVsix(join(folder, 'it.vsix'), files);
    await run('python3', ['-m', 'zipfile', '-e', 'it.vsix', 'unpacked'], { cwd: folder, env: process.env });
    return join(folder, 'unpacked', 'extension', 'dist', 'cli.cjs');
  },
  async 'the npm package of the command line'(folder) {
    await run('tar', ['-xzf', await packCli(folder)], { cwd: folder, env: process.env });
    return join(folder, 'package', 'dist', 'cli.cjs');
  },
};

for (const [name, unpack] of Object.entries(packages)) {
  describe(`host: guard --relay from ${name}`, function () {
    this.timeout(120_000);
    onlyOnLinux('processes are found in /proc');
    let home: GuardHome;
    let folder = '';
    beforeEach(() => {
      home = new GuardHome();
      folder = mkdtempSync(join(tmpdir(), 'packaged-'));
    });
    const hosts = (): number[] => processesWith(`\0host\0${home.run}`);
    afterEach(async () => {
      await home.clean();
      for (const pid of hosts()) {
        process.kill(pid, 'SIGKILL');
      }
      rmSync(folder, { recursive: true, force: true });
    });

    it('runs the session in a host, whose program is in the package', async () => {
      const cli = await unpack(folder);
      const client = home.start(process.execPath, [cli, 'guard', '--relay', '--', 'python3', strictServer]);
      await client.handshake();
      await until('it is published', () => publishedGuards(home.run).length > 0);
      assert.equal(hosts().length, 1);
      client.child.stdin?.end();
      assert.deepEqual(await client.ended, { code: 0, signal: null });
    });
  });
}
