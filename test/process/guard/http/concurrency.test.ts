import assert from 'node:assert/strict';
import { until } from '../../../until.ts';
import { freePort, HttpWorld, kill } from './httpWorld.ts';
import { RawClient } from './rawClient.ts';

const long = process.env.TEST_LONG === '1';

describe('guard --http: many calls over many restarts', function () {
  this.timeout(long ? 600_000 : 120_000);
  let world: HttpWorld;

  beforeEach(() => {
    world = new HttpWorld();
  });

  afterEach(async () => {
    await world.clean();
  });

  it('50 calls at a time while the server is killed and restarted: none without an answer, none executed twice, none that is said not to have run did', async () => {
    const restarts = long ? 20 : 2;
    const port = await freePort();
    let server = await world.v1(port);
    const { origin } = await world.guard(['--listen', '0', '--upstream', `http://127.0.0.1:${port}`, '--wait', '60']);
    const clients = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const client = new RawClient(origin);
        await client.initialize();
        return client;
      }),
    );
    const outcome = new Map<string, 'answered' | 'unknown' | 'not executed'>();
    let stop = false;
    let begun = 0;
    const worker = async (client: RawClient): Promise<void> => {
      while (!stop) {
        begun += 1;
        const key = `key-${begun}`;
        const { status, text } = await client.tool(key);
        assert.equal(status, 200, text);
        // The guard's own answers say it to programs, in a body of JSON as in an event.
        const executed = /"executed":"(unknown|no)"/.exec(text)?.[1];
        const kind = executed === undefined ? 'answered' : executed === 'no' ? 'not executed' : 'unknown';
        assert.ok(kind !== 'answered' || text.includes(`counted ${key} `), text);
        outcome.set(key, kind);
      }
    };
    const workers = clients.flatMap((client) => Array.from({ length: 5 }, () => worker(client)));
    for (let restart = 0; restart < restarts; restart += 1) {
      const before = outcome.size;
      await until('calls are answered', () => outcome.size > before + 100, 60_000);
      await kill(server);
      server = await world.v1(port);
    }
    const before = outcome.size;
    await until('calls are answered', () => outcome.size > before + 100, 60_000);
    stop = true;
    await Promise.all(workers);
    assert.equal(outcome.size, begun);
    const times = new Map<string, number>();
    for (const line of world.executed()) {
      times.set(line, (times.get(line) ?? 0) + 1);
    }
    for (const [key, kind] of outcome) {
      const executed = times.get(key) ?? 0;
      assert.ok(
        kind === 'answered' ? executed === 1 : kind === 'unknown' ? executed <= 1 : executed === 0,
        `${key} was ${kind} and executed ${executed} times`,
      );
    }
    // One for each client at its start, and one for each client and restart.
    assert.ok((times.get('session') ?? 0) <= 10 * (restarts + 1));
  });

  it('50 calls that wait for the server are all executed once, with one recovery for each session', async () => {
    const port = await freePort();
    const first = await world.v1(port);
    const guard = await world.guard(['--listen', '0', '--upstream', `http://127.0.0.1:${port}`, '--wait', '60']);
    const clients = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const client = new RawClient(guard.origin);
        await client.initialize();
        return client;
      }),
    );
    await kill(first);
    const calls = clients.flatMap((client, who) => Array.from({ length: 10 }, (_, index) => client.tool(`${who}-${index}`)));
    await world.v1(port);
    const answers = await Promise.all(calls);
    assert.ok(answers.every(({ text }) => text.includes('counted')));
    const keys = world.executed().filter((line) => /^\d-\d$/.test(line));
    assert.equal(keys.length, 50);
    assert.equal(new Set(keys).size, 50);
    assert.equal(world.timesExecuted('session'), 10);
    assert.equal(world.timesExecuted('initialized'), 10);
  });
});
