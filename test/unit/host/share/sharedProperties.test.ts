import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Member } from '../../../../src/host/share/sharedCalls.ts';
import { SharedLines } from '../../../../src/host/share/sharedLines.ts';
import type { SharedOptions } from '../../../../src/host/share/sharedOutput.ts';
import { Broadcasting, broadcasts } from './broadcasting.ts';
import { type Between, SharingModel, type Step, steps } from './sharingModel.ts';

const traffic: fc.Arbitrary<Step[]> = fc.array(fc.tuple(fc.constantFrom(...steps), fc.nat(11), fc.nat(11)), {
  maxLength: 150,
  size: 'max',
});

/** Any order of calls with equal ids, progress, cancellations, questions, subscriptions, and clients that come and go. */
const holds = (make: (options: SharedOptions) => Between): fc.IProperty<[Step[]]> =>
  fc.property(traffic, (all) => {
    const model = new SharingModel(make);
    for (const step of all) {
      model.take(step);
    }
    model.end();
  });

describe('one server for several clients, in any order', function () {
  this.timeout(60_000);

  it('no line reaches another client, none is lost, none comes twice', () => {
    fc.assert(
      holds((options) => new SharedLines(options)),
      { numRuns: 1_000 },
    );
  });

  for (const [name, is] of Object.entries(broadcasts)) {
    it(`the same traffic finds out a variant that broadcasts: ${name}`, () => {
      const { failed } = fc.check(
        holds((options) => new Broadcasting(options, is)),
        { numRuns: 1_000, endOnFailure: true },
      );
      assert.ok(failed);
    });
  }

  const losses: Readonly<Record<string, (message: Record<string, unknown>) => boolean>> = {
    answers: ({ method }) => method === undefined,
    progress: ({ method }) => method === 'notifications/progress',
  };
  for (const [name, is] of Object.entries(losses)) {
    it(`and one that loses them: ${name}`, () => {
      class Losing extends SharedLines {
        override join(send: (line: Buffer) => void): Member {
          return super.join((line) => void (is(JSON.parse(`${line}`)) || send(line)));
        }
      }
      assert.ok(
        fc.check(
          holds((options) => new Losing(options)),
          { numRuns: 1_000, endOnFailure: true },
        ).failed,
      );
    });
  }
});
