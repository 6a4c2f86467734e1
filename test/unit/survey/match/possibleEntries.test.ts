import { deepEqual, ok } from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { RawDefinition } from '../../../../src/model/definition.ts';
import { fitLaunch } from '../../../../src/survey/match/launchFit.ts';
import { matchDefinitions } from '../../../../src/survey/match/matchDefinitions.ts';
import type { MatchContext, MatchInput } from '../../../../src/survey/match/matchInput.ts';
import { possibleEntries } from '../../../../src/survey/match/possibleEntries.ts';
import { definition, detail, row } from '../../../fixtures/argv/processRows.ts';
import { type Recorded, recorded } from '../../../fixtures/argv/recordedLaunches.ts';
import { counted } from '../../countedReads.ts';

const linux: MatchContext = { platform: 'linux', home: '/home/u' };
const variables = ['${input:x}', '${workspaceFolder}', '~', '$HOME'];

/** The processes of a recorded launch, as its server has them above it. */
function inputsOf({ rows, server: pid }: Recorded): MatchInput[] {
  const all = rows.map(([own, parent, argv]) => row(own, parent, argv));
  const server = all.find((one) => one.pid === pid);
  ok(server);
  const event = detail({ cwd: '/w/app', environment: { HOME: '/home/u', npm_lifecycle_event: 'start', PATH: '/usr/bin:/bin' } });
  return [
    { server, launchers: all.filter((one) => one !== server) },
    { server, launchers: [] },
    { server, launchers: [], detail: { ...event, exe: '/usr/bin/node' } },
  ];
}

/** Entries of all recorded launches, also with a variable in place of a word, with another folder, and with a word more. */
function entries(): RawDefinition[] {
  return recorded.flatMap(({ command, args }, index) => [
    definition(`e${index}`, 'cursor', command, args),
    definition(`f${index}`, 'cursor', command, args, { folder: '/w/app', cwd: '${workspaceFolder}' }),
    definition(`m${index}`, 'cursor', command, [...args, '--more']),
    definition(`c${index}`, 'cursor', '${env:X}', args),
    ...args.map((_, at) => definition(`v${index}-${at}`, 'cursor', command, args.with(at, variables[at % variables.length] ?? ''))),
    ...args.map((_, at) => definition(`w${index}-${at}`, 'cursor', command, args.toSpliced(at, 1))),
  ]);
}

const floods: Readonly<Record<string, (index: number) => RawDefinition>> = {
  'packages of npx': (index) => definition(`s${index}`, 'vscode', 'npx', ['-y', `pkg${index}`, '--port', '1']),
  'scripts without arguments': (index) => definition(`s${index}`, 'vscode', 'node', [`/p/s${index}.js`]),
  'scripts with equal arguments': (index) => definition(`s${index}`, 'vscode', 'node', [`/p/s${index}.js`, '--stdio']),
  'scripts with variables': (index) => definition(`s${index}`, 'vscode', 'node', [`/p/s${index}.js`, '${input:x}']),
  'programs with variables': (index) => definition(`s${index}`, 'vscode', '${env:P}', [`${index}`, '${input:x}']),
  'packages of uvx': (index) => definition(`s${index}`, 'vscode', 'uvx', [`pkg${index}`]),
  'scripts of npm': (index) => definition(`s${index}`, 'vscode', 'npm', ['run', `s${index}`]),
  'programs on PATH': (index) => definition(`s${index}`, 'vscode', `tool${index}`, ['--port', '1']),
};

describe('Entries that may fit a process', () => {
  it('hold every entry that fits, of all recorded launches', () => {
    const definitions = entries();
    let fits = 0;
    let compared = 0;
    for (const one of recorded) {
      const context: MatchContext = { platform: one.platform ?? 'linux', home: '/home/u' };
      for (const input of inputsOf(one)) {
        const possible = new Set(possibleEntries(input, definitions, context));
        compared += possible.size;
        for (const entry of definitions) {
          if (fitLaunch(entry, input, context)) {
            fits++;
            ok(possible.has(entry), `${one.case}: ${JSON.stringify([entry.command, ...entry.args])}`);
          }
        }
      }
    }
    const all = definitions.length * recorded.length * 3;
    ok(fits > recorded.length && compared < all / 2, `${fits} fits, ${compared} of ${all} compared`);
  });

  it('have the order of the list', () => {
    const definitions = ['b', 'a', 'c'].map((name) => definition(name, 'vscode', 'node', ['/p/x.js']));
    const input = { server: row(1, 0, ['node', '/p/x.js']), launchers: [] };
    deepEqual(possibleEntries(input, definitions, linux), definitions);
  });

  for (const [what, entry] of Object.entries(floods)) {
    it(`do not grow with the number of entries: ${what}`, () => {
      const compared = [1_000, 10_000].map((size) => {
        const { list, reads } = counted(Array.from({ length: size }, (_, index) => entry(index)));
        const input = (pid: number): MatchInput => ({
          server: row(pid, 1, ['node', `/srv/own${pid}.js`, '--stdio']),
          detail: detail({ exe: '/usr/bin/node', cwd: '/srv', environment: { PATH: '/bin' } }),
          launchers: [row(pid + 1, 1, ['npm', 'exec', `own${pid}`])],
        });
        // The first makes the index.
        matchDefinitions(input(10), list, linux);
        const before = reads();
        for (let pid = 20; pid < 70; pid += 10) {
          deepEqual(matchDefinitions(input(pid), list, linux).definitions, []);
        }
        return reads() - before;
      });
      deepEqual(compared, [0, 0]);
    });
  }

  it('are at most 1,000 where an entry may be a shim, whatever its arguments', () => {
    const definitions = Array.from({ length: 3_000 }, (_, index) => definition(`s${index}`, 'vscode', `tool${index}`, []));
    const input = { server: row(1, 0, ['node', '/srv/own.js']), detail: detail({ exe: '/usr/bin/node', cwd: '/srv' }), launchers: [] };
    deepEqual(possibleEntries(input, definitions, linux).length, 1_000);
  });

  it('are counted: without an index each process reads each entry', () => {
    const { list, reads } = counted(
      Array.from({ length: 1_000 }, (_, index) => definition(`s${index}`, 'vscode', 'node', [`/p/s${index}.js`])),
    );
    const renamed = { server: row(1, 0, 'my-title'), detail: detail({ exe: '/usr/bin/node' }), launchers: [] };
    matchDefinitions(renamed, list, linux);
    deepEqual(reads(), 1_000);
  });
});

describe('Thousands of entries that say the same', () => {
  it('are told apart by name in one pass', () => {
    const compared = [2_000, 8_000].map((size) => {
      let reads = 0;
      const definitions = Array.from({ length: size }, (_, index) => {
        const one = definition('s', 'vscode', 'node', ['/p/x.js'], { folder: `/w${index}` });
        return Object.defineProperty(one, 'name', { enumerable: true, get: () => `s${index}${reads++ < 0}` });
      });
      const input = { server: row(1, 0, ['node', '/p/x.js']), launchers: [] };
      deepEqual(matchDefinitions(input, definitions, linux).definitions.length, size);
      return reads;
    });
    const [small = 0, large = 0] = compared;
    ok(small > 0 && large < 5 * small, `${compared}`);
  });
});
