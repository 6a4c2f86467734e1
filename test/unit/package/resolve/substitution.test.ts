import { deepEqual, equal, ok } from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, utimesSync } from 'node:fs';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { possibleStarts, shellShim } from '../../../../src/package/resolve/shimText.ts';
import { TempTree } from '../tree.ts';

describe('output of commands in a wrapper, told from files', () => {
  let tree = new TempTree();
  beforeEach(() => {
    tree.remove();
    tree = new TempTree().write({
      'rel/1.2.0/server.js': '',
      'rel/1.10.0/server.js': '',
      'rel/1.9.0/readme': '',
      'named/current/server.js': '',
      'named/1.0.0/server.js': '',
      version: '1.9.0\n',
      two: '1\n2\n',
      'bin/tiny': '',
      'other/bin/x': '',
      now: { link: 'rel/1.2.0' },
    });
    chmodSync(tree.path('other/bin/x'), 0o755);
  });
  afterEach(() => tree.remove());

  const script = (line: string): string => `#!/bin/bash\nR="${tree.path()}"\n${line}\n`;
  function words(line: string, visited = new Set<string>()): readonly string[] | undefined {
    const file = tree.path('bin/tiny');
    const environment = new Map([['PATH', tree.path('other/bin')]]);
    const found = shellShim(script(line), { file, real: file, environment, visited })?.words;
    return found?.map((word) => word.replace(tree.path(), ''));
  }

  const known: readonly (readonly [string, string])[] = [
    ['exec node "$(ls -d "$R"/rel/* | sort -V | tail -1)/server.js" "$@"', '/rel/1.10.0/server.js'],
    ['exec node "$(ls -d $R/rel/1*0.0 | head -1)/server.js"', '/rel/1.10.0/server.js'],
    ['exec node "$R/rel/$(ls $R/rel | sort -V | tail -n 1)/server.js"', '/rel/1.10.0/server.js'],
    ['V=$(ls -v "$R/rel" | tail -n1) || exit 1\nexec node "$R/rel/$V/server.js"', '/rel/1.10.0/server.js'],
    ['D=$(ls -d $R/rel/*/ | sort -rV | head -1)\nexec node "${D}server.js"', '/rel/1.10.0/server.js'],
    ['exec node "$(ls -d $R/rel/*/server.js |\n  sort -V | head -n1)"', '/rel/1.2.0/server.js'],
    ['exec node "$(printf \'%s\\n\' $R/rel/* | sort -V | tail -1)/server.js"', '/rel/1.10.0/server.js'],
    ['exec node $R/rel/$(cat "$R/version")/server.js', '/rel/1.9.0/server.js'],
    ['exec node "$R/rel/$(< $R/version)/server.js"', '/rel/1.9.0/server.js'],
    ['exec node "$R/rel/`head -1 $R/version`/server.js"', '/rel/1.9.0/server.js'],
    ['cd "$(dirname "$0")/.."\nexec node "$(pwd)/rel/$(cat version 2>/dev/null)/server.js"', '/rel/1.9.0/server.js'],
    ['cd "$(dirname "$0")/.." || exit\nV=$(cat version)\nexec node "$R/rel/$V/server.js"', '/rel/1.9.0/server.js'],
    ['exec node "$(dirname "$(dirname "$0")")/rel/1.9.0/server.js"', '/rel/1.9.0/server.js'],
    ['exec node "$(readlink -f $R/now)/server.js"', '/rel/1.2.0/server.js'],
    ['exec node "$R/$(readlink "$R/now")/server.js"', '/rel/1.2.0/server.js'],
    ['exec node "$R/rel/$(basename "$(realpath $R/now)")/server.js"', '/rel/1.2.0/server.js'],
    ['exec node "$(cd "$R/now" && pwd -P)/server.js"', '/rel/1.2.0/server.js'],
    ['exec node "$(cd "$R/now/.." >/dev/null 2>&1 && pwd)/rel/1.9.0/server.js"', '/rel/1.9.0/server.js'],
  ];
  for (const [line, wanted] of known) {
    it(line, () => {
      deepEqual(words(line), ['node', wanted]);
      // The shell itself says the same.
      const shown = script(line.replaceAll('$0', tree.path('bin/tiny')).replace('exec node', 'echo'));
      equal(execFileSync('bash', ['-c', shown]).toString().trim(), tree.path(wanted));
    });
  }

  it('a program that is searched for on PATH, and the newest by time', () => {
    deepEqual(words('exec "$(command -v x)" "$@"'), ['/other/bin/x']);
    deepEqual(words('exec $(which x)'), ['/other/bin/x']);
    equal(words('exec $(which none)'), undefined);
    utimesSync(tree.path('rel/1.9.0'), 2_000_000_000, 2_000_000_000);
    deepEqual(words('exec node $R/rel/$(ls -t $R/rel | head -1)/readme'), ['node', '/rel/1.9.0/readme']);
    utimesSync(tree.path('rel/1.2.0'), 2_000_000_000, 2_000_000_000);
    equal(words('exec node $R/rel/$(ls -t $R/rel | head -1)/readme'), undefined, 'two are equally new');
  });

  for (const line of [
    // With `sort` alone the language decides whether 1.9.0 or 1.10.0 comes last only where a dot counts.
    'exec node $R/$(ls $R/named | sort -V | tail -1)/server.js',
    'exec node $R/rel/$(cat $R/two)/server.js',
    'exec node $R/rel/$(cat $R/none)/server.js',
    'exec node $R/rel/$(cat version)/server.js',
    'exec node $(npm root -g)/server.js',
    'exec node "$(ls -d $R/rel/* | grep -v beta | tail -1)/server.js"',
    'exec node "$(ls -d $R/rel/* | tail -2)/server.js"',
    'exec node "$(ls -la $R/rel | tail -1)/server.js"',
    'exec node "$(ls $R/none || echo $R/rel/1.2.0)/server.js"',
    'exec node "$(cat $R/version > $R/copy)/server.js"',
    'exec node "$(ls -d $R/*/* | tail -1)"',
    'exec node "$(cat $UNSET/version)"',
    'eval "$(cat $R/version)"',
  ]) {
    it(`not told: ${line}`, () => equal(words(line), undefined));
  }

  it('names what decided, so that a change is seen', () => {
    const visited = new Set<string>();
    ok(words('exec node "$(ls -d $R/rel/* | sort -V | tail -1)/$(cat $R/version)"', visited));
    deepEqual([...visited], [tree.path('rel'), tree.path('version')]);
  });

  it('what is not told leaves what is known of a path', () => {
    const starts = (line: string): unknown => {
      tree.write({ 'bin/other': script(line) });
      return possibleStarts(tree.path('bin/other')).map((own) => own.map((word) => word.replace(tree.path(), '')));
    };
    deepEqual(starts('exec node "$(ls -d $R/rel/* | grep -v beta | tail -1)/server.js" "$@"'), [['node', '/rel/${_}/server.js']]);
    deepEqual(starts('V=$(curl -s here)\nexec node "$R/rel/$V/server.js" "$@"'), [['node', '/rel/${_}/server.js']]);
    deepEqual(starts('D=$(find $R/rel -type d | tail -1)\nexec node "$D/server.js"'), [['node', '/rel${_}/server.js']]);
    deepEqual(starts('exec node "$(npm root -g)/tiny/server.js"'), [['node', '${_}/tiny/server.js']]);
  });
});
