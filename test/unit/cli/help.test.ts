import { ok } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { commandTable } from '../../../src/cli/commandTable.ts';
import { commandHelp, generalHelp } from '../../../src/cli/help.ts';
import { guardHelp } from '../../../src/guard/options/guardHelp.ts';
import { guardOptionTable } from '../../../src/guard/options/guardOptions.ts';
import { httpGuardHelp } from '../../../src/guard/options/httpHelp.ts';
import { staleSection } from '../../../src/guard/options/sharedOptions.ts';
import { assertGolden } from './golden.ts';

function pages(width: number): string {
  return [
    generalHelp(commandTable, width),
    ...commandTable.map((command) => commandHelp(command, width)),
    guardHelp(width, guardOptionTable, staleSection),
    httpGuardHelp(width),
  ].join(`\n${'='.repeat(40)}\n\n`);
}

describe('the help', () => {
  it('is generated from the option tables', () => assertGolden('help', pages(Number.POSITIVE_INFINITY)));

  it('fits its width', () => {
    for (const [width, limit] of [
      [60, 60],
      [80, 80],
      [200, 80],
    ] as const) {
      const usage = /^(?:Usage: | {7}mcp-shepherd)/;
      for (const line of pages(width).split('\n')) {
        ok(line.length <= limit || usage.test(line), line);
      }
    }
  });
});
