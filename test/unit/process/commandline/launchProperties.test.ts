import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { scanOptions } from '../../../../src/process/commandline/optionScan.ts';
import { parseLaunch } from '../../../../src/process/commandline/parseLaunch.ts';

const name = fc.string({ minLength: 1, maxLength: 8, unit: fc.constantFrom('a', 'b', 'c', '1', '_') }).map((text) => `s${text}`);
/** The server's own arguments: whatever a user writes. */
const words = fc.array(fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('-y', '--', '-p', '--port=1', '-c', '')), { maxLength: 6 });

/** Some of these options, each with the words that belong to it. */
const options = (...all: readonly (readonly string[])[]): fc.Arbitrary<string[]> =>
  fc.array(fc.constantFrom(...all), { maxLength: 4 }).map((chosen) => chosen.flat());

describe('command lines, by property', () => {
  it('options end where the first operand stands, and each has its own value', () => {
    const option = fc.oneof(
      name.map((flag) => ({ words: [`--${flag}`], name: `--${flag}`, value: undefined })),
      fc.tuple(name, fc.string({ maxLength: 6 })).map(([flag, value]) => ({ words: [`--${flag}=${value}`], name: `--${flag}`, value })),
      fc.string({ maxLength: 6 }).map((value) => ({ words: ['--with', value], name: '--with', value })),
      fc.string({ minLength: 1, maxLength: 6 }).map((value) => ({ words: [`-p${value}`], name: '-p', value })),
    );
    fc.assert(
      fc.property(fc.array(option, { maxLength: 6 }), fc.boolean(), name, words, (given, dashes, operand, rest) => {
        const before = given.flatMap((one) => one.words);
        const scan = scanOptions([...before, ...(dashes ? ['--'] : []), operand, ...rest], 0, new Set(['--with']), 'p');
        assert.deepEqual([scan.next, scan.dashes], [before.length + (dashes ? 1 : 0), dashes]);
        for (const { name: flag, value } of given) {
          assert.ok(value === undefined ? scan.flags.has(flag) : scan.values.get(flag)?.includes(value));
        }
      }),
    );
  });

  const runners: readonly (readonly [title: string, command: string, before: fc.Arbitrary<string[]>])[] = [
    ['npx', 'npx', options(['-y'], ['--yes'], ['--registry', 'https://r.test'], ['--cache=/c'], ['--quiet'])],
    ['pnpm dlx', 'pnpm', options(['--silent'], ['--reporter', 'silent']).map((some) => ['dlx', ...some])],
    ['bunx', 'bunx', options(['--bun'], ['--silent'])],
    ['uvx', 'uvx', options(['--python', '3.12'], ['-q'], ['--with', 'other'], ['--index=https://i.test'])],
    ['uv tool run', 'uv', options(['--offline'], ['-p', '3.12']).map((some) => ['tool', 'run', ...some])],
    ['pipx run', 'pipx', options(['--python', 'python3.12'], ['--no-cache']).map((some) => ['run', ...some])],
  ];
  for (const [title, command, before] of runners) {
    it(`${title}: the package is the first operand, and everything after it belongs to the server`, () => {
      fc.assert(
        fc.property(before, name, words, (some, spec, args) => {
          const launch = parseLaunch(command, [...some, spec, ...args]);
          // pipx drops one `--` itself.
          const own = command === 'pipx' && args[0] === '--' ? args.slice(1) : args;
          assert.deepEqual([launch.spec, launch.args], [spec, own]);
        }),
      );
    });
  }

  it('python: the script or the module, and everything after it', () => {
    const before = options(['-u'], ['-X', 'dev'], ['-Wd'], ['-W', 'ignore'], ['-BI']);
    fc.assert(
      fc.property(before, name, fc.boolean(), words, (some, target, module, args) => {
        const launch = parseLaunch('python3', [...some, ...(module ? ['-m', target] : [`${target}.py`]), ...args]);
        assert.deepEqual(
          [launch.launcher, launch.target, launch.args],
          [module ? 'python-module' : 'python-script', module ? target : `${target}.py`, args],
        );
      }),
    );
  });

  it('docker run: the image, and everything after it', () => {
    const before = options(['-i'], ['--rm'], ['-it'], ['-e', 'A=1'], ['-eA=1'], ['--env=A'], ['-v', '/a:/b'], ['--name', 'x'], ['-p8:8']);
    fc.assert(
      fc.property(fc.constantFrom('docker', 'podman'), before, name, words, (tool, some, image, args) => {
        const launch = parseLaunch(tool, ['run', ...some, image, ...args]);
        assert.deepEqual([launch.launcher, launch.target, launch.args], ['docker', image, args]);
      }),
    );
  });

  it('any words have a normal form', () => {
    const command = fc.oneof(
      fc.string({ maxLength: 8 }),
      fc.constantFrom(
        'toString',
        'npx',
        'npm',
        'pnpm',
        'yarn',
        'bun',
        'deno',
        'uv',
        'uvx',
        'pipx',
        'docker',
        'cmd',
        'sh',
        'env',
        'node',
        'python',
        'pwsh',
      ),
    );
    const word = fc.oneof(
      fc.string({ maxLength: 8 }),
      fc.constantFrom('run', 'constructor', '-c', '/c', '--', '-m', '-p', 'x', 'dlx', '-S'),
    );
    fc.assert(fc.property(command, fc.array(word, { maxLength: 8 }), (program, args) => assert.ok(parseLaunch(program, args).launcher)));
  });
});
