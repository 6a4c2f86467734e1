// Loaded before a program of a test (`--require`): stops or kills it at one of its steps. A step is the moment before a call that changes files, starts a program or sends a signal, the middle of a
// write, and the moment after a start or a signal. `AT_STEP` is the number of the step, or a text that its name has; `STEP_SIGNAL` what it gets; `STEP_LOG` the file for the name of that step. Of files
// only those below `STEP_FOLDER` count: Node reads its modules by the same functions.
const fs = require('node:fs');
const programs = require('node:child_process');
const { syncBuiltinESMExports } = require('node:module');

const { AT_STEP = '', STEP_SIGNAL = 'SIGKILL', STEP_LOG, STEP_FOLDER } = process.env;
const number = Number(AT_STEP);
const [note, kill, wait] = [fs.writeFileSync, process.kill.bind(process), new Int32Array(new SharedArrayBuffer(4))];
/** Open files below the folder, with their paths. */
const open = new Map();
let steps = 0;
let isInside = false;

/** @returns whether this step is the one, for a step that has to be prepared */
function isNow(name) {
  steps += 1;
  return Number.isNaN(number) ? name.includes(AT_STEP) : steps === number;
}

function stopHere(name) {
  note(STEP_LOG, name);
  kill(process.pid, STEP_SIGNAL);
  // The signal may take a moment.
  Atomics.wait(wait, 0, 0);
}

function step(name) {
  if (isNow(name)) {
    stopHere(name);
  }
}

/** The path of a file that counts, by its path or descriptor. */
function pathOf(file) {
  const path = open.get(file) ?? String(file);
  return path.startsWith(STEP_FOLDER) ? path : undefined;
}

function wrap(owner, name, around) {
  const original = owner[name];
  owner[name] = (...args) => {
    if (isInside || (owner === fs && pathOf(args[0]) === undefined)) {
      return original.apply(owner, args);
    }
    isInside = true;
    try {
      return around((...other) => original.apply(owner, other), args);
    } finally {
      isInside = false;
    }
  };
}

for (const name of [
  'renameSync',
  'linkSync',
  'rmSync',
  'mkdirSync',
  'utimesSync',
  'chmodSync',
  'fchmodSync',
  'fsyncSync',
  'fstatSync',
  'cpSync',
  'openSync',
  'closeSync',
]) {
  wrap(fs, name, (call, args) => {
    step(`before ${name} ${pathOf(args[0])}`);
    const result = call(...args);
    if (name === 'openSync') {
      open.set(result, args[0]);
    } else if (name === 'closeSync') {
      open.delete(args[0]);
    }
    return result;
  });
}
for (const name of ['writeFileSync', 'appendFileSync', 'writeSync']) {
  wrap(fs, name, (call, [file, content, ...rest]) => {
    step(`before ${name} ${pathOf(file)}`);
    const half = `half ${name} ${pathOf(file)}`;
    if (isNow(half)) {
      const bytes = Buffer.from(content);
      call(file, bytes.subarray(0, bytes.length >> 1), ...rest);
      stopHere(half);
    }
    return call(file, content, ...rest);
  });
}
for (const [owner, name] of [
  [programs, 'spawn'],
  [process, 'kill'],
]) {
  wrap(owner, name, (call, args) => {
    step(`before ${name} ${args[0]}`);
    const result = call(...args);
    step(`after ${name} ${args[0]}`);
    return result;
  });
}
syncBuiltinESMExports();
