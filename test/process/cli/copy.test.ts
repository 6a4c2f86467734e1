import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { withoutClientMarks } from '../../../scripts/system/withoutClientMarks.ts';
import { exitCodes } from '../../../src/cli/exitCodes.ts';
import { assertOmits } from '../../names.ts';
import { makeWorld, type World } from '../survey/world.ts';
import { buildCli, RunningCli } from './bundle.ts';

describe('copy of the built command line', function () {
  this.timeout(30_000);
  let world: World;
  let folder = '';
  let bundle = '';

  before(async () => {
    world = makeWorld();
    folder = mkdtempSync(join(tmpdir(), 'cli-copy-'));
    bundle = await buildCli(folder);
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await world?.remove();
  });

  it('writes JSON as TOML and YAML after a yes, and nothing without one or where the name is taken', async () => {
    const text = (path: string): string => readFileSync(join(world.home, path), 'utf8');
    const copy = async (to: string, ...more: readonly string[]): Promise<number | null> => {
      const env = { ...withoutClientMarks(process.env), HOME: world.home, USERPROFILE: world.home, MCP_RUN_DIR: world.runDir };
      const args = ['copy', 'notes', '--from', 'cursor', '--to', to, ...more];
      const { code, stdout, stderr } = await new RunningCli(process.execPath, bundle, args, { cwd: world.home, env }).ended();
      assertOmits(stdout + stderr, 'hunter-22');
      return code;
    };
    world.write('.cursor/mcp.json', {
      mcpServers: { notes: { command: 'npx', args: ['-y', 'notes@1'], env: { NOTES_KEY: 'hunter-22' } } },
    });
    const before = {
      '.codex/config.toml': '# Mine.\nmodel = "o4"\n',
      '.config/goose/config.yaml': '# Mine.\nextensions:\n  old:\n    type: stdio\n    cmd: x\n',
    };
    for (const [path, content] of Object.entries(before)) {
      world.write(path, content);
    }
    assert.equal(await copy('codex'), exitCodes.youMustAct, 'there is no terminal to ask');
    assert.equal(text('.codex/config.toml'), before['.codex/config.toml']);
    assert.deepEqual(await Promise.all([copy('codex', '--yes'), copy('goose', '--yes')]), [exitCodes.ok, exitCodes.ok]);
    const [toml, yaml] = [text('.codex/config.toml'), text('.config/goose/config.yaml')];
    assert.match(toml, /^# Mine\.\nmodel = "o4"\n[\s\S]*\[mcp_servers\.notes\]\ncommand = "npx"\nargs = \[ ?"-y", "notes@1" ?\]/);
    assert.match(
      yaml,
      /^# Mine\.\nextensions:\n {2}notes:\n[\s\S]*cmd: "npx"[\s\S]*NOTES_KEY: "hunter-22"[\s\S]*\n {2}old:\n {4}type: stdio\n {4}cmd: x\n$/,
    );
    assert.equal(await copy('codex', '--yes'), exitCodes.error, 'the name is taken');
    assert.equal(text('.codex/config.toml'), toml);
  });
});
