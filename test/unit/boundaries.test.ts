import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { boundaries, boundaryFaults, codeOf, idleExceptions } from '../../scripts/boundaries.ts';
import { readSources } from '../../scripts/imports.ts';

/** Code that crosses each boundary, as an attacker of the check could write it too, and code that does not. */
const planted: Readonly<
  Record<keyof typeof boundaries, { readonly path: string; readonly bad: readonly string[]; readonly good: readonly string[] }>
> = {
  files: {
    path: 'survey/x.ts',
    bad: [
      "import { readFileSync } from 'node:fs';",
      "import { statSync, openSync as look } from 'node:fs';",
      "import {\n  type Stats,\n  readFile,\n} from 'node:fs/promises';",
      "import { promises } from 'fs';",
      "import * as fs from 'node:fs';",
      "import fs from 'fs';",
      "export { createReadStream } from 'node:fs';",
      "const { open } = await import('node:fs/promises');",
      "const fs = createRequire(import.meta.url)('node:fs');",
      "const fs = process.getBuiltinModule('fs');",
      "import {\n  // it's the reader\n  readFileSync,\n} from 'node:fs';",
      'import { readFileSync as look } from "node:fs";',
      "process.loadEnvFile('.env');",
      "import { DatabaseSync } from 'node:sqlite';",
      'const bytes = await workspace.fs.readFile(uri);',
    ],
    good: [
      "import { type Stats, statSync } from 'node:fs';",
      "import type { FileHandle } from 'node:fs/promises';",
      "import { readBounded } from '../storage/boundedFile.ts';",
    ],
  },
  folders: {
    path: 'survey/x.ts',
    bad: ["import { mkdirSync } from 'node:fs';", "import { mkdtemp } from 'node:fs/promises';"],
    good: ["import { readdirSync } from 'node:fs';"],
  },
  network: {
    path: 'survey/x.ts',
    bad: [
      "import { request } from 'node:https';",
      "import { connect as dial } from 'node:net';",
      "import http from 'node:http';",
      'const answer = await fetch(url);',
      'const get = fetch;',
      "const ask = globalThis['fetch'];",
      "import { lookup } from 'node:dns';",
      "import { resolve4 } from 'node:dns/promises';",
      "const { get } = await import('node:https');",
    ],
    good: [
      "import type { IncomingMessage } from 'node:http';",
      "import { createServer } from 'node:net';",
      "import { isIP } from 'node:net';",
    ],
  },
  credentials: {
    path: 'registry/x.ts',
    bad: [
      'const target = { base, isPublic, authorization: header as ScopedAuthorization };',
      "const target = header as IndexTarget['authorization'];",
      'const header = <ScopedAuthorization>text;',
      'const target: IndexTarget = JSON.parse(text) as never;',
    ],
    good: ["import type { IndexTarget } from './indexRoute.ts';", 'const headers = { authorization: target.authorization };'],
  },
  programs: {
    path: 'guard/x.ts',
    bad: [
      "import { execFile } from 'node:child_process';",
      "import spawn from 'cross-spawn';",
      "const start = (await import('cross-spawn')).default.spawn;",
      "import { Worker } from 'node:worker_threads';",
      'const module = await import(path);',
      'eval(text);',
      "const run = new Function('x', text);",
      'const load = createRequire(import.meta.url);\nload(name);',
      'require(name);',
      "process.execve('/bin/sh', []);",
      "window.createTerminal('x').sendText(text);",
      'tasks.executeTask(new Task(a, b, c, d, new ShellExecution(text)));',
      "const { fork } = await import('node:child_process');",
    ],
    good: ["import type { ChildProcess } from 'node:child_process';", "const { a } = await import('./a.ts');", '// eval(text)'],
  },
  signals: {
    path: 'guard/x.ts',
    bad: [
      "process.kill(pid, 'SIGTERM');",
      'child.kill();',
      'const { kill } = process;',
      "process['kill'](pid);",
      "import { kill as end } from 'node:process';",
      'const { kill: end } = process;',
    ],
    good: ["const text = 'kill them';", '// kill(2)', "const options = { killSignal: 'SIGKILL' };"],
  },
  streams: {
    path: 'survey/x.ts',
    bad: [
      'process.stdout.write(text);',
      'console.log(text);',
      "console['error'](text);",
      'const a = `${process.stderr.columns}`;',
      "process['stdout'].write(text);",
      "import { stdout as out } from 'node:process';",
      'const { stdout } = process;',
      'const { log } = console;',
      'const out = console;',
      "import { Console } from 'node:console';",
      'writeSync(1, text);',
      'process.emitWarning(text);',
      "import { debuglog } from 'node:util';",
    ],
    good: [
      "const text = 'process.stdout';",
      '/* console.log(text) */',
      "import { hrtime } from 'node:process';",
      'writeSync(descriptor, text);',
      'const { stdout } = child;',
    ],
  },
  terminal: {
    path: 'cli/x.ts',
    bad: [
      'shell.stdout.write(text);',
      'process.stderr.write(`no option ${word}\\n`);',
      'shell.stdout.write(`${name}\\n`);',
      'shell?.stderr.write(`${terminalText(name)}: ${message}\\n`);',
      '(bad ? shell.stderr : shell.stdout).write(lines.join());',
      'const out = shell.stdout;\nout.write(name);',
      'stream.pipe(shell.stdout);',
      'await pipeline(stream, shell.stdout);',
      'shell.stdout.end(name);',
      'shell.stdout.write?.(name);',
      'shell.stdout\n  .write(name);',
      "shell['stdout'].write(name);",
      'const write = shell.stdout.write.bind(shell.stdout);',
    ],
    good: [
      'shell.stdout.write(`${terminalText(name)} is gone\\n`);',
      'shell.stdout.write(jsonText(report, 2));',
      'shell.stdout.write(values.json ? jsonText(report, 2) : renderDoctor(report, view));',
      "shell.stdout.write(`nothing { } ' here\\n`);",
    ],
  },
  editor: {
    path: 'extension/commands/x.ts',
    bad: [
      'window.showErrorMessage(text);',
      'new MarkdownString(text)',
      'panel.webview.html = text',
      'window.withProgress({ location: ProgressLocation.Notification }, run);',
      'window.withProgress({ location: ProgressLocation.Window, title }, run);',
      "window.createWebviewPanel('a', 'b', 1);",
      'window.showInputBox({ prompt: name });',
      'env.openExternal(Uri.parse(text));',
      "window['showErrorMessage'](text);",
      'const { showErrorMessage } = window;',
    ],
    good: ["tell('error', text);", 'showWork(title, run);'],
  },
  model: {
    path: 'guard/x.ts',
    bad: [
      "const answer = { content: [{ type: 'text', text }] };",
      "const type = 'text';\nconst part = { type, text };",
      'new LanguageModelTextPart(text);',
    ],
    good: ['failedTool(text, true)'],
  },
};

describe('Boundaries of src', () => {
  for (const [name, { path, bad, good }] of Object.entries(planted)) {
    const boundary = name as keyof typeof boundaries;
    it(`${name}: reports code elsewhere that crosses it, and that alone`, () => {
      for (const text of bad) {
        // A whole module crosses more than one.
        const faults = boundaryFaults([{ path, text }]);
        assert.ok(faults.length > 0 && faults.every((fault) => fault.startsWith(`src/${path} `)), text);
        assert.ok(faults.includes(`src/${path} ${boundaries[boundary].what}: ${boundaries[boundary].instead}.`), text);
      }
      assert.deepEqual(boundaryFaults(good.map((text) => ({ path, text }))), []);
    });
  }

  it('every exception is needed, and one that is not is reported', () => {
    const files = readSources('.');
    assert.deepEqual(idleExceptions(files), []);
    const without = files.map((file) => (file.path === 'base/random.ts' ? { ...file, text: '' } : file));
    assert.match(idleExceptions(without).join(), /base\/random\.ts under files/);
  });

  it('reads code without comments and without what stands in strings', () => {
    for (const [text, code] of [
      ['a(\'b // c\', "d") // e', "a('', '')  "],
      ['a(`b ${c(`d ${e}`)} f`)', 'a(`${c(`${e}`)}`)'],
      ['a = /[/"]\'/g; b', 'a = /./; b'],
      ['a / b / c', 'a / b / c'],
      ["return /'/.test(a)", 'return /./.test(a)'],
      ['/* a\n b */ c', '  c'],
      ['`{ ${ { a: `}` } } `', '`${ { a: `` } }`'],
      ["a['b'](c?.['d'], ['e'], f(['g']))", "a.b(c.d, [''], f(['']))"],
    ] as const) {
      assert.equal(codeOf(text), code);
    }
  });
});
