import { deepEqual, equal } from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { judgeStorm } from '../../../../src/diagnosis/respawnStorm.ts';
import { identityKey, type ProcessIdentity } from '../../../../src/model/process.ts';
import { FactStore } from '../../../../src/survey/facts/factStore.ts';
import { ServerLives, type StartedServer } from '../../../../src/survey/facts/serverLives.ts';
import { TempTree } from '../../package/tree.ts';

const second = 1_000;
const identity = { bootId: 'boot-1', pidNamespace: '1', pid: 50, start: 'lx:50' };
const client = { ...identity, key: identityKey(identity) };
const isAlive = (one: ProcessIdentity): boolean => identityKey(one) === client.key;

describe('serverLives', () => {
  let tree = new TempTree();
  tree.remove();
  let uptime = 0;
  let wall = 0;
  beforeEach(() => {
    tree = new TempTree();
    [uptime, wall] = [36_000 * second, 1_790_000_000_000];
  });
  afterEach(() => tree.remove());

  const lives = (): ServerLives => new ServerLives(new FactStore(tree.path('run')), { now: () => wall, uptime: () => uptime });
  const pass = (seconds: number): void => {
    uptime += seconds * second;
    wall += seconds * second;
  };
  const server = (id: string, age: number, entry = 'notes'): StartedServer => ({ id, client, entry, startedAt: wall - age * second });
  const storm = (one: ServerLives, servers: readonly StartedServer[]): boolean =>
    one.observe(servers, isAlive, wall).some((group) => {
      const evidence = { name: 'notes', client: { name: 'Claude Code', pid: 50 }, manySessions: false, actions: [], lives: group.lives };
      return judgeStorm(evidence, 5, { uptime, now: wall }) !== undefined;
    });
  /** Each start is seen once and gone at the next scan, five seconds later; `each` may move the clocks. */
  const crash = (one: ServerLives, times: number, entries = ['notes'], each = (): void => {}): boolean => {
    let found = false;
    for (let at = 0; at < times; at++) {
      storm(
        one,
        entries.map((entry) => server(`${entry}-${at}-${uptime}`, 1, entry)),
      );
      pass(5);
      each();
      found = storm(one, []);
    }
    return found;
  };

  it('tells a server that ends within a minute of each of its starts, and the next program knows it', () => {
    const one = lives();
    equal(crash(one, 5), false);
    equal(storm(one, [server('last', 0)]), true);
    equal(storm(lives(), [server('last', 0)]), true);
  });

  it('does not count what an action of any program has ended', () => {
    const restarted = (asks: boolean): boolean => {
      const one = lives();
      let found = false;
      for (let at = 0; at < 6; at++) {
        found = storm(one, [server(`asked-${asks}-${at}`, 1)]);
        if (asks) {
          new FactStore(tree.path('run')).noteAsked(`asked-${asks}-${at}`);
        }
        pass(5);
      }
      pass(700);
      return found;
    };
    equal(restarted(false), true);
    equal(restarted(true), false);
  });

  it('is silent about subagents: their servers end together', () => {
    const one = lives();
    equal(crash(one, 12, ['notes', 'files']), false);
    equal(storm(one, [server('last', 0)]), false);
  });

  it('takes no clock step and no sleep for a short run', () => {
    const one = lives();
    const sleep = (): void => pass(8 * 3_600);
    equal(crash(one, 6, ['notes'], sleep), false);
    equal(storm(one, [server('last', 0)]), false);
    const step = (): void => {
      wall += 3_600 * second;
    };
    const other = lives();
    equal(crash(other, 6, ['notes'], step), true, 'the boot clock goes on, so a set clock hides nothing');
  });

  it('forgets what ended more than ten minutes ago, and clients that are gone', () => {
    const one = lives();
    crash(one, 5);
    pass(700);
    equal(storm(one, [server('last', 0)]), false);
    crash(one, 6);
    deepEqual(
      one.observe([], () => false, wall),
      [],
    );
  });
});
