// Another user, who changes what is at a path as fast as possible until its input ends.
// file PATH TARGET: a file of this user and a link to TARGET take turns; folder PATH: a folder of this user comes and goes.
// It writes "ready" at the first turn, "leak" when it could read SECRET in the folder of the path, and at the end the number of its turns.
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const [, , what, path = '', target = ''] = process.argv;
const own = process.env.OWN_TEXT ?? '{}';
const secret = process.env.SECRET_MARK ?? '';
let turns = 0;
let leaks = 0;
let ended = false;

/** What fails because the other process was faster is tried again in the next turn. */
function attempt(step: () => void): void {
  try {
    step();
  } catch {
    // The next turn.
  }
}

function flipFile(): void {
  const kept = `${path}.kept`;
  attempt(() => renameSync(path, kept));
  attempt(() => symlinkSync(target, path));
  for (let spin = turns % 7; spin > 0; spin--) {
    attempt(() => readFileSync('/proc/self/stat'));
  }
  attempt(() => unlinkSync(path));
  attempt(() => renameSync(kept, path));
  if (turns % 8 === 0) {
    // What the other process wrote there may belong to it by now.
    attempt(() => unlinkSync(path));
    attempt(() => writeFileSync(path, own, { flag: 'wx', mode: 0o644 }));
  }
}

function flipFolder(): void {
  attempt(() => mkdirSync(path, 0o777));
  attempt(() => chmodSync(path, 0o777));
  for (let spin = turns % 5; spin > 0; spin--) {
    attempt(() => readFileSync('/proc/self/stat'));
  }
  attempt(() => rmdirSync(path));
  // The other process made a folder in it.
  attempt(() => renameSync(path, `${path}.${turns}`));
}

function spy(): void {
  for (const name of readdirSync(dirname(path))) {
    attempt(() => {
      if (leaks === 0 && readFileSync(join(dirname(path), name), 'utf8').includes(secret)) {
        leaks++;
        console.log('leak');
      }
    });
  }
}

function turn(): void {
  if (ended) {
    console.log(`turns ${turns}`);
    return;
  }
  for (let round = 0; round < 50; round++) {
    if (what === 'file') {
      flipFile();
      if (secret !== '' && round % 5 === 0) {
        attempt(spy);
      }
    } else {
      flipFolder();
    }
    turns++;
  }
  setImmediate(turn);
}

process.stdin.on('end', () => {
  ended = true;
});
process.stdin.resume();
attempt(() => {
  if (what === 'file') {
    writeFileSync(path, own, { flag: 'wx', mode: 0o644 });
  }
});
console.log('ready');
turn();
