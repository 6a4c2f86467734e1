import { deepEqual, equal, ok } from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, before, beforeEach, describe, it } from 'mocha';
import { readEditable, replaceText } from '../../../src/action/protect/editableFile.ts';
import { keepFiles, putBack } from '../../../src/action/upgrade/keptFiles.ts';
import { lockFile } from '../../../src/lock/kernelLock.ts';
import { openLockDirectory } from '../../../src/lock/lockDirectory.ts';
import { readWhole } from '../../../src/storage/atomicFile.ts';
import { checkPrivate, parentRefusal, privateFolder } from '../../../src/storage/privateFolder.ts';
import { openProgram, otherUser } from '../../otherUser.ts';

/** Not "nobody": a user namespace shows owners that it does not know as that user, whose folders above a run folder are accepted therefore. */
const attacker = { ...otherUser, uid: 65_533, gid: 65_533 } as const;
const secret = 'S3CRET-of-root';
const ownText = '{"mcpServers":{"a":{"command":"node"}}}';
/** How often a step is tried while the other user changes its path. */
const tries = process.env.TEST_LONG === '1' ? 5_000 : 400;
/** ms; a control that has not succeeded by then fails. */
const controlMs = 60_000;

let words: readonly string[] = [];
let folder = '';
let flipper: { readonly child: ChildProcess; readonly lines: string[] } | undefined;

/** Starts the other user at a path of the folder, and waits for its first turn. */
async function attack(what: 'file' | 'folder', path: string, target = ''): Promise<void> {
  const [program = '', ...args] = [...words, what, path, target];
  const child = spawn(program, args, { ...attacker, env: { OWN_TEXT: ownText, SECRET_MARK: secret }, stdio: ['pipe', 'pipe', 'inherit'] });
  const lines: string[] = [];
  flipper = { child, lines };
  const output = createInterface({ input: child.stdout });
  output.on('line', (line) => lines.push(line));
  await once(output, 'line');
}

/** Ends the other user. @returns whether it has read the secret */
async function endAttack(): Promise<boolean> {
  const { child, lines } = flipper ?? {};
  flipper = undefined;
  if (!child || !lines) {
    return false;
  }
  const closed = once(child, 'close');
  child.stdin?.end();
  await closed;
  ok(
    lines.some((line) => /^turns [1-9]\d+$/.test(line)),
    `the other user was at work: ${lines}`,
  );
  return lines.includes('leak');
}

/** Tries a step until it does what it must not do. Between the tries the lines of the other user are read. */
async function triesUntil(most: number, step: () => boolean | Promise<boolean>, limitMs = controlMs): Promise<number | undefined> {
  const until = performance.now() + limitMs;
  for (let count = 1; count <= most && performance.now() < until; count++) {
    if ((await step()) || flipper?.lines.includes('leak')) {
      return count;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return undefined;
}

function quietly<T>(step: () => T): T | undefined {
  try {
    return step();
  } catch {
    return undefined;
  }
}

describe('Another user changes a path between check and use', function () {
  this.timeout(180_000);

  before(function () {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) {
      console.log('skipped: only root on Linux can start processes of another user');
      this.skip();
    }
    words = openProgram(join(import.meta.dirname, 'pathFlipper.ts'));
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'race-'));
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, 'root'), { mode: 0o700 });
    writeFileSync(join(folder, 'root', 'secret.json'), ownText.replace('node', secret), { mode: 0o600 });
    mkdirSync(join(folder, 'open'), { mode: 0o777 });
    chmodSync(join(folder, 'open'), 0o777);
    chownSync(join(folder, 'open'), attacker.uid, attacker.gid);
    mkdirSync(join(folder, 'shared'));
    chmodSync(join(folder, 'shared'), 0o1777);
  });
  afterEach(async () => {
    await endAttack();
    rmSync(folder, { recursive: true, force: true });
  });

  const flipped = (): string => join(folder, 'open', 'file.json');
  const flipFile = (): Promise<void> => attack('file', flipped(), join(folder, 'root', 'secret.json'));
  const deep = (): string => join(folder, 'shared', 'a', 'run');
  /** What root made is removed, so that the other user can go on. */
  const cleared = (): void => {
    if (quietly(() => lstatSync(dirname(deep())).uid) === 0) {
      rmSync(dirname(deep()), { recursive: true, force: true });
    }
  };
  /** The accepted folder is in one that the other user can replace. */
  const isOfOther = (): boolean => (quietly(() => lstatSync(dirname(deep())).uid) ?? attacker.uid) !== 0;

  it('control: a look at the link and then at the file reads what the link leads to', async () => {
    await flipFile();
    const count = await triesUntil(Infinity, () => {
      const path = flipped();
      return quietly(() => lstatSync(path).isFile() && readFileSync(path, 'utf8').includes(secret)) === true;
    });
    ok(count !== undefined, 'the attack succeeds');
  });

  it('a record, a request or a state file is never what a link leads to', async () => {
    await flipFile();
    let read = 0;
    const count = await triesUntil(tries * 10, () => {
      const whole = readWhole(flipped(), 100_000);
      read += 'text' in whole ? 1 : 0;
      return 'text' in whole && whole.text.includes(secret);
    });
    deepEqual([count, await endAttack()], [undefined, false]);
    ok(read > 0, 'the file itself was read');
  });

  it('a lock is never on the file that a link leads to', async () => {
    await flipFile();
    chownSync(join(folder, 'root', 'secret.json'), 0, 0);
    const { ino } = statSync(join(folder, 'root', 'secret.json'));
    const count = await triesUntil(tries, async () => {
      const attempt = await lockFile(flipped());
      const same = attempt.status === 'locked' && fstatSync(attempt.lock.fd).ino === ino;
      if (attempt.status === 'locked') {
        attempt.lock.release();
      }
      return same;
    });
    equal(count, undefined);
  });

  it('control: a client file that is read by its path, and written with the owner of its path, gives the other user the secret', async () => {
    await flipFile();
    const count = await triesUntil(Infinity, () => {
      const path = flipped();
      quietly(() => {
        const text = lstatSync(path).isFile() ? readFileSync(path, 'utf8') : '';
        const info = statSync(path);
        const temporary = `${path}.tmp`;
        const descriptor = openSync(temporary, 'wx', 0o600);
        try {
          writeSync(descriptor, text);
          fchownSync(descriptor, info.uid, info.gid);
          fchmodSync(descriptor, info.mode & 0o777);
        } finally {
          closeSync(descriptor);
        }
        renameSync(temporary, path);
      });
      return false;
    });
    ok(count !== undefined, 'the attack succeeds');
  });

  it('a client file that protect replaces has the owner of the file that was read', async () => {
    await flipFile();
    let written = 0;
    const count = await triesUntil(tries * 5, () => {
      quietly(() => {
        const file = readEditable(flipped());
        replaceText(file, `${file.text} `.slice(0, 100));
        written++;
      });
      return false;
    });
    deepEqual([count, await endAttack()], [undefined, false]);
    ok(written > 0, 'files were replaced');
  });

  it('a manifest that an upgrade puts back has the mode of the file that was read, and no link is followed', async () => {
    await flipFile();
    let kept = 0;
    const count = await triesUntil(tries * 5, () => {
      quietly(() => {
        const files = keepFiles([flipped()]);
        for (const file of 'reason' in files ? [] : files) {
          kept += file.content ? 1 : 0;
          putBack(file);
        }
      });
      return (statSync(join(folder, 'root', 'secret.json')).mode & 0o777) !== 0o600;
    });
    deepEqual([count, await endAttack()], [undefined, false]);
    ok(kept > 0, 'files were kept');
  });

  it('control: a run folder that is made after the look at what is above it lies in a folder of the other user', async () => {
    await attack('folder', dirname(deep()));
    const count = await triesUntil(Infinity, () => {
      cleared();
      const accepted = quietly(() => parentRefusal(deep()) === undefined && checkPrivate(deep(), 0, true) === undefined);
      return accepted === true && isOfOther();
    });
    ok(count !== undefined, 'the attack succeeds');
  });

  for (const [what, use] of [
    ['run folder', (runDir: string) => quietly(() => privateFolder(runDir, 'bin')) !== undefined],
    ['lock folder', (runDir: string) => 'directory' in openLockDirectory(join(runDir, 'v1'))],
  ] as const) {
    it(`a ${what} is never in a folder of the other user`, async () => {
      await attack('folder', dirname(deep()));
      let accepted = 0;
      const count = await triesUntil(tries * 5, () => {
        cleared();
        const used = use(deep());
        accepted += used ? 1 : 0;
        return used && isOfOther();
      });
      equal(count, undefined);
      ok(accepted > 0, 'a folder of root was accepted');
    });
  }
});
