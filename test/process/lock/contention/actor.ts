// One of several that want to restart the same thing: `actor.ts BASE TARGET STATE LOG ANSWERS KILLFILE KILLS EXPECT`. Acting writes the incarnation that was
// replaced into the log and counts the state up; the first KILLS actors end themselves before that.
import { appendFileSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { actOnce } from '../../../../src/lock/actOnce.ts';
import { openLockDirectory } from '../../../../src/lock/lockDirectory.ts';

const [base = '', target = '', state = '', log = '', answers = '', killFile = '', kills = '0', expect = ''] = process.argv.slice(2);
const opened = openLockDirectory(base);
if ('refused' in opened) {
  throw new Error(opened.refused);
}
const result = await actOnce(
  {
    directory: opened.directory,
    target,
    expect,
    actor: { by: 'an actor', pid: process.pid, start: '?', verb: 'restart', since: '' },
    current: async () => readFileSync(state, 'utf8'),
    waitMs: 20_000,
  },
  async () => {
    for (let kill = 0; kill < Number(kills); kill += 1) {
      if (isFirst(`${killFile}.${kill}`)) {
        process.kill(process.pid, 'SIGKILL');
      }
    }
    appendFileSync(log, `${expect}\n`);
    writeFileSync(state, String(Number(expect) + 1));
  },
);
appendFileSync(answers, `${result.status}\n`);

function isFirst(file: string): boolean {
  try {
    openSync(file, 'wx');
    return true;
  } catch {
    return false;
  }
}
