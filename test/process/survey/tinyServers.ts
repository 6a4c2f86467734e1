import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The smallest servers that answer `initialize`, in the languages whose programs are files of their own. Each takes a mark, so that two of them differ in
 * content and still do the same.
 */
export function nodeServer(folder: string, mark = 'one'): string {
  write(join(folder, 'lib', 'helper.js'), `export const helper = '${mark}';\n`);
  write(join(folder, 'tests', 'helper.test.js'), '// not loaded\n');
  write(join(folder, 'package.json'), JSON.stringify({ name: 'tiny-mcp', version: '1.0.0', type: 'module', private: true }));
  return write(
    join(folder, 'server.js'),
    `import { createInterface } from 'node:readline';
import { helper } from './lib/helper.js';
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id } = JSON.parse(line);
  console.log(JSON.stringify({ jsonrpc: '2.0', id, result: { helper } }));
});
`,
  );
}

export function pythonServer(folder: string, mark = 'one'): string {
  write(join(folder, 'inner', '__init__.py'), '');
  write(join(folder, 'inner', 'helper.py'), `HELPER = '${mark}'\n`);
  write(join(folder, 'tests', 'test_helper.py'), '# not loaded\n');
  return write(
    join(folder, 'mcp_server.py'),
    `import json, sys
from inner import helper
for line in sys.stdin:
    print(json.dumps({"jsonrpc": "2.0", "id": json.loads(line)["id"], "result": {"helper": helper.HELPER}}), flush=True)
`,
  );
}

/** C, compiled with the machine's compiler. `size` makes the program that much larger. */
export function binaryServer(file: string, mark = 'one', size = 1): string {
  // One name for all: the compiler writes it into the program.
  const source = join(dirname(file), 'tiny.c');
  write(
    source,
    `#include <stdio.h>
#include <string.h>
#include <stdlib.h>
const char mark[${size + 16}] = "${mark}";
int main(void) {
  char line[65536];
  while (fgets(line, sizeof line, stdin)) {
    char *id = strstr(line, "\\"id\\":");
    if (id) { printf("{\\"jsonrpc\\":\\"2.0\\",\\"id\\":%d,\\"result\\":{\\"mark\\":\\"%s\\"}}\\n", atoi(id + 5), mark); fflush(stdout); }
  }
  return 0;
}
`,
  );
  execFileSync('gcc', ['-o', file, source]);
  return file;
}

/** A shared library whose code is \`functions\` long. */
export function sharedLibrary(file: string, functions: number): string {
  const source = `${file}.c`;
  write(source, Array.from({ length: functions }, (_, index) => `int f${index}(int x) { return x * ${index} + ${functions}; }`).join('\n'));
  execFileSync('gcc', ['-shared', '-fPIC', '-O0', '-o', file, source]);
  return file;
}

function write(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}
