import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { windowsLauncher } from '../../../../src/action/protect/launcherScript.ts';
import { assertNames } from '../../../names.ts';

const facts = { version: '1.0.0', programs: '1.0.0-aabbccdd', folder: 'C:\\Users\\Jörg\\.mcp-run\\shepherd\\bin' };
const env = { USERPROFILE: 'C:\\Users\\Jörg' };

describe('windowsLauncher', () => {
  it('names every place in a way that no code page changes, and every label once', () => {
    const text = windowsLauncher({ ...facts, node: 'c:\\users\\jörg\\node 100%\\node.exe', editor: 'C:\\Users\\Jörg\\Code.exe' }, env);
    ok(/^[ -~\r\n]*$/.test(text), 'ASCII only');
    ok(
      text.split('\r\n').every((line) => !line.includes('\n')),
      'cmd wants CRLF',
    );
    match(
      text,
      /if not exist "%USERPROFILE%\\node 100%%\\node\.exe" goto not0\r\n"%USERPROFILE%\\node 100%%\\node\.exe" "%~dp01\.0\.0-aabbccdd\\cli\.cjs" %\*\r\nexit \/b %ERRORLEVEL%/,
    );
    match(text, /set ELECTRON_RUN_AS_NODE=1\r\n"%USERPROFILE%\\Code\.exe"/);
    const labels = [...text.matchAll(/^:(\w+)/gm)].map(([, label]) => label);
    equal(new Set(labels).size, labels.length);
    const targets = [...text.matchAll(/goto (\w+)/g)].map(([, label]) => label);
    deepEqual(
      targets.filter((target) => !labels.includes(target)),
      [],
    );
  });

  it('leaves out a Node in a place that a batch file cannot name', () => {
    const text = windowsLauncher({ ...facts, node: 'D:\\Прог\\node.exe' }, env);
    ok(!text.includes('D:\\'));
    assertNames(text, '"%MCP_SHEPHERD_NODE%" -e "process.exit');
  });

  it('never starts a program by a bare name, which cmd looks for in the working directory first', () => {
    const text = windowsLauncher({ ...facts, node: 'C:\\node\\node.exe', editor: 'C:\\Code.exe' }, env);
    const started = text.split('\r\n').flatMap((line) => /^"([^"]+)"/.exec(line)?.[1] ?? []);
    ok(started.length > 4);
    deepEqual(
      started.filter((program) => !/^(?:[A-Z]:|%\w+%)\\/.test(program) && program !== '%MCP_SHEPHERD_NODE%'),
      [],
    );
    match(text, /for %%I in \(node\.exe\) do set "MCP_SHEPHERD_NODE=%%~\$PATH:I"\r\nif not defined MCP_SHEPHERD_NODE goto notpath/);
  });
});
