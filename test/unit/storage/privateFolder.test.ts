import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { readHistoryFiles } from '../../../src/action/execute/actionHistory.ts';
import { appendLine } from '../../../src/action/execute/historyFile.ts';
import { answerRequest, requestFolder, requestsFor, type WindowRequest } from '../../../src/action/execute/windowRequest.ts';
import { installLauncher, launcherPath } from '../../../src/action/protect/launcher.ts';
import { backedUpTexts, backUp } from '../../../src/action/protect/protectChange.ts';
import { openLockDirectory } from '../../../src/lock/lockDirectory.ts';
import type { ProcessIdentity } from '../../../src/model/process.ts';
import { writeRecord } from '../../../src/storage/jsonRecord.ts';
import { FolderRefused, privateFolder, stateRefusal } from '../../../src/storage/privateFolder.ts';
import { BootClock } from '../../../src/survey/facts/bootClock.ts';
import { FactStore } from '../../../src/survey/facts/factStore.ts';
import { claimNotification, openWindows, publishWindow } from '../../../src/survey/facts/windows.ts';
import { PortFacts } from '../../../src/survey/ports/portFacts.ts';
import { entryKey } from '../../../src/survey/server/entryChange.ts';
import { assertNames } from '../../names.ts';

const identity: ProcessIdentity = { bootId: 'boot', pidNamespace: 'ns', pid: 4, start: '9' };
const windowIdentity = { ...identity, pid: 5 };
const request: WindowRequest = {
  schema: 1,
  id: '0123456789abcdef01234567',
  verb: 'restart',
  window: { pid: 5, identity: 'w' },
  instance: 'i',
  by: 'test',
};
const nobody = 65_534;
/** A user that no user namespace shows in place of others. */
const stranger = 54_321;
const isRoot = process.getuid?.() === 0;

/** The state that one part of the product keeps: `read` returns what it reads of it, `write` stores it. */
interface StatePart {
  readonly name: string;
  write(runDir: string): void;
  read(runDir: string): unknown | Promise<unknown>;
  /** What `read` returns when nothing is stored. */
  readonly nothing: unknown;
}

const parts: readonly StatePart[] = [
  {
    name: 'facts',
    write: (runDir) => void new FactStore(runDir).firstSeen(identity, 1, undefined),
    read: (runDir) => [...['seen'].filter(() => new FactStore(runDir).firstSeen(identity, 2, undefined).firstSeenAt === 1)],
    nothing: [],
  },
  {
    name: 'baselines',
    write: (runDir) => void new FactStore(runDir).recordBaseline(identity, { takenAt: 1, trust: 'before-start', packages: [] }),
    read: (runDir) => new FactStore(runDir).baseline(identity)?.takenAt,
    nothing: undefined,
  },
  {
    name: 'other facts',
    write: (runDir) => void new FactStore(runDir).recordFact(identity, 'program', { takenAt: 1, command: 'x' }),
    read: (runDir) => [new FactStore(runDir).fact(identity, 'program'), [...new FactStore(runDir).known('program')]],
    nothing: [undefined, []],
  },
  {
    name: 'clock',
    write: (runDir) => void new BootClock(runDir, 'boot', { now: () => 1_000_000, uptime: () => 1_000 }),
    // The clock was set since the stored reading.
    read: (runDir) => new BootClock(runDir, 'boot', { now: () => 9_000_000, uptime: () => 2_000 }).timesComparable(1_000_500),
    nothing: true,
  },
  {
    name: 'ports',
    write: (runDir) => new PortFacts(runDir).set({ schema: 1, identity, port: 80, server: true, healthyAt: 1, closedLooks: 0 }),
    read: (runDir) => new PortFacts(runDir).all().length,
    nothing: 0,
  },
  {
    name: 'windows',
    write: (runDir) => void publishWindow(runDir, { identity: windowIdentity, folders: ['/x'], workspaceFiles: [], userDirs: [] }),
    read: async (runDir) => (await openWindows(runDir, identity, async () => true)).length,
    nothing: 0,
  },
  {
    name: 'key of entries',
    write: (runDir) => {
      mkdirSync(join(runDir, 'shepherd'), { recursive: true, mode: 0o700 });
      writeRecord(join(runDir, 'shepherd', 'entry-key.json'), { schema: 1, key: 'a'.repeat(64) });
    },
    read: (runDir) => entryKey(runDir) === 'a'.repeat(64),
    nothing: false,
  },
  {
    name: 'history',
    write: (runDir) => appendLine(runDir, '{}'),
    read: (runDir) => {
      const { entries, unread } = readHistoryFiles(runDir);
      return [entries.length, unread.length > 0];
    },
    nothing: [0, true],
  },
  {
    name: 'requests',
    write: (runDir) => writeRecord(join(requestFolder(runDir), `${request.id}.json`), request),
    read: (runDir) => requestsFor(runDir, { pid: 5, identity: 'w' }).length,
    nothing: 0,
  },
  {
    name: 'answers to requests',
    write: (runDir) => answerRequest(runDir, request, { status: 'done', message: '' }),
    read: () => 0,
    nothing: 0,
  },
  { name: 'notifications', write: (runDir) => void claimNotification(runDir, 'k'), read: () => 0, nothing: 0 },
  {
    name: 'backups',
    write: (runDir) => void backUp(runDir, '/home/x/mcp.json', Buffer.from('{}'), 0),
    read: (runDir) => [...backedUpTexts(runDir, '/home/x/mcp.json')],
    nothing: [],
  },
];

describe('The run folder and its folder shepherd', () => {
  let root = '';
  let runDir = '';

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'private-folder-'));
    runDir = join(root, 'run');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const openings: readonly { readonly name: string; readonly rootOnly?: boolean; open(): void }[] = [
    { name: 'a run folder that all users may write', open: () => chmodSync(runDir, 0o777) },
    { name: 'a run folder that the group may write', open: () => chmodSync(runDir, 0o770) },
    { name: 'a folder shepherd that all users may write', open: () => chmodSync(join(runDir, 'shepherd'), 0o707) },
    { name: 'a folder below one that all users may write', open: () => chmodSync(root, 0o777) },
    { name: 'a folder below one of another user', rootOnly: true, open: () => chownSync(root, stranger, stranger) },
    // In a user namespace this number also stands for users that it does not know, such as the owner of `/`.
    ...(/^\s*0\s+0\s+4294967295\s*$/.test(uidMap())
      ? [{ name: 'a folder below one of the user nobody', rootOnly: true, open: (): void => chownSync(root, nobody, nobody) }]
      : []),
    { name: 'a run folder of another user', rootOnly: true, open: () => chownSync(runDir, nobody, nobody) },
    { name: 'a folder shepherd of another user', rootOnly: true, open: () => chownSync(join(runDir, 'shepherd'), nobody, nobody) },
    {
      name: 'a link of another user to a private folder',
      rootOnly: true,
      open: () => {
        const link = join(root, 'link');
        symlinkSync(runDir, link);
        lchownSync(link, nobody, nobody);
        runDir = link;
      },
    },
  ];

  for (const opening of openings) {
    it(`nothing is read from or written to ${opening.name}`, async function () {
      if (process.platform === 'win32' || (opening.rootOnly && !isRoot)) {
        this.skip();
      }
      for (const part of parts) {
        rmSync(root, { recursive: true, force: true });
        runDir = join(root, 'run');
        mkdirSync(join(runDir, 'shepherd'), { recursive: true, mode: 0o700 });
        part.write(runDir);
        if (part.read.length > 0) {
          assert.notDeepEqual(await part.read(runDir), part.nothing, `the control: ${part.name} reads what it stored`);
        }
        opening.open();
        assert.deepEqual(await part.read(runDir), part.nothing, `${part.name} reads nothing`);
      }
      for (const part of parts) {
        rmSync(root, { recursive: true, force: true });
        runDir = join(root, 'run');
        mkdirSync(join(runDir, 'shepherd'), { recursive: true, mode: 0o700 });
        opening.open();
        try {
          part.write(runDir);
        } catch (error) {
          assert.match(String(error), /run|shepherd|link/, `${part.name} names the folder`);
        }
        assert.deepEqual(
          readdirSync(join(root, 'run', 'shepherd')).filter((name) => name !== 'entry-key.json' || part.name !== 'key of entries'),
          [],
          `${part.name} writes nothing`,
        );
      }
    });
  }

  it('is used below a folder that all users may write with the sticky bit, like /tmp, and by the lock protocol by the same rules', function () {
    if (process.platform === 'win32') {
      this.skip();
    }
    mkdirSync(join(runDir, 'shepherd'), { recursive: true, mode: 0o700 });
    const refusals = (): (string | undefined)[] => {
      const locks = openLockDirectory(join(runDir, 'v1'));
      return [stateRefusal(runDir), 'refused' in locks ? locks.refused : undefined];
    };
    chmodSync(root, 0o1777);
    assert.deepEqual(refusals(), [undefined, undefined]);
    chmodSync(root, 0o777);
    for (const refusal of refusals()) {
      assertNames(refusal, `chmod o-w ${root}`);
    }
    // By a link in a folder of this user, too.
    const own = join(root, 'own');
    mkdirSync(own, { mode: 0o700 });
    chmodSync(root, 0o755);
    const open = join(root, 'open');
    mkdirSync(open);
    chmodSync(open, 0o777);
    symlinkSync(open, join(own, 'link'));
    assertNames(stateRefusal(join(own, 'link', 'deeper', 'run')), `chmod o-w ${join(own, 'link')}`);
  });

  it('is not used where another user can rename it away, which that user does here', function () {
    if (!isRoot) {
      this.skip();
    }
    mkdirSync(join(runDir, 'shepherd'), { recursive: true, mode: 0o700 });
    const renames = (): boolean => {
      const { status } = spawnSync('mv', [runDir, `${runDir}-away`], { uid: stranger, gid: stranger, cwd: '/', stdio: 'ignore' });
      return status === 0;
    };
    chmodSync(root, 0o1777);
    assert.deepEqual([stateRefusal(runDir), renames()], [undefined, false]);
    chmodSync(root, 0o777);
    assert.notEqual(stateRefusal(runDir), undefined);
    assert.equal(renames(), true, 'the control: without the sticky bit the rename succeeds');
  });

  it('is not used behind a link of another user, who leads it elsewhere here', function () {
    if (!isRoot) {
      this.skip();
    }
    chmodSync(root, 0o1777);
    const own = join(root, 'own');
    mkdirSync(join(own, 'run', 'shepherd'), { recursive: true, mode: 0o700 });
    const link = join(root, 'of-stranger');
    const lead = (to: string): number | null =>
      spawnSync('ln', ['-sfn', to, link], { uid: stranger, gid: stranger, cwd: '/', stdio: 'ignore' }).status;
    assert.equal(lead(own), 0);
    symlinkSync(link, join(own, 'indirect'));
    for (const path of [join(link, 'run'), join(own, 'indirect', 'run')]) {
      assertNames(stateRefusal(path), `${link}, above ${path}`);
      assert.throws(() => privateFolder(path, 'logs'), FolderRefused);
    }
    assert.equal(lead('/nowhere'), 0, 'the control: the link leads elsewhere between a look and the next');
    symlinkSync(own, join(root, 'of-root'));
    assert.equal(stateRefusal(join(root, 'of-root', 'run')), undefined);
  });

  it('installs no launcher where another user could replace it', function () {
    if (process.platform === 'win32') {
      this.skip();
    }
    mkdirSync(runDir, { mode: 0o700 });
    chmodSync(runDir, 0o777);
    const { dist, installer } = programs(root, runDir);
    assert.throws(
      () => installLauncher(installer),
      (error: Error) => error.message.includes('chmod 700'),
    );
    assert.equal(existsSync(launcherPath(runDir, 'linux')), false);
    chmodSync(runDir, 0o700);
    assert.equal(existsSync(installLauncher(installer)), true, `the control: ${dist} can be installed`);
  });

  it('replaces programs and scripts that another user put there before the folder was closed', function () {
    if (!isRoot) {
      this.skip();
    }
    const { installer } = programs(root, runDir);
    const path = installLauncher(installer);
    const folder = join(runDir, 'shepherd', 'bin');
    const name = readdirSync(folder).find((one) => one.startsWith('1.0.0-')) ?? '';
    const guard = join(folder, name, 'guard.cjs');
    writeFileSync(guard, 'hostile');
    chownSync(guard, nobody, nobody);
    chownSync(path, nobody, nobody);
    installLauncher(installer);
    assert.deepEqual(
      [guard, path].map((file) => ownerOf(file)),
      [0, 0],
    );
  });

  it('says once what is wrong and what to do', function () {
    if (process.platform === 'win32') {
      this.skip();
    }
    mkdirSync(runDir, { mode: 0o700 });
    chmodSync(runDir, 0o777);
    const problem = new FactStore(runDir).problem();
    assert.equal(problem?.source, 'facts');
    assertNames(problem?.message, 'chmod 700');
  });
});

function programs(root: string, runDir: string): { readonly dist: string; readonly installer: Parameters<typeof installLauncher>[0] } {
  const dist = join(root, 'dist');
  mkdirSync(dist);
  writeFileSync(join(dist, 'cli.cjs'), '1234567');
  writeFileSync(join(dist, 'guard.cjs'), '1234567');
  return { dist, installer: { runDir, dist, version: '1.0.0', execPath: process.execPath, electron: false, platform: 'linux', env: {} } };
}

function ownerOf(file: string): number {
  return statSync(file).uid;
}

/** The users that this user namespace knows; empty where the system has none. */
function uidMap(): string {
  return existsSync('/proc/self/uid_map') ? readFileSync('/proc/self/uid_map', 'latin1') : '';
}
