import { basename } from 'node:path';
import { because } from '../../base/language/because.ts';
import { nodeValues } from '../../process/commandline/nodeCommand.ts';
import { wordSet } from '../../process/commandline/optionScan.ts';

/** The script that a JavaScript runtime loads first. */
export type ScriptArgument =
  /** `at` is its index in the arguments, for callers that join a path which was split at spaces. */
  { readonly script: string; readonly at: number } | { readonly unknown: string };

/** Options whose value is the next argument when they are written without `=`. Source: `bun --help`, `deno run --help`. */
const bunValueOptions = wordSet('-r --preload --cwd -c --config --env-file -d --define --tsconfig-override -F --filter --shell --port');
const denoValueOptions = wordSet('-c --config --import-map --cert --location --seed --lock --env-file --node-modules-dir');

const evaluating = wordSet('-e --eval -p --print -pe -ep');

const runnerValues = wordSet('-P --project --tsconfig -O --compiler-options --cwd');
/** Programs that load the script given to them into their own process. */
const runners = wordSet('ts-node ts-node-esm ts-node-script ts-node-transpile-only tsx jiti babel-node esno');

/** The script in the arguments of a Node process. @param args without the program itself */
export function nodeScript(args: readonly string[]): ScriptArgument {
  const first = firstOperand(args, 0, nodeValues);
  if ('unknown' in first) {
    return first;
  }
  if (first.script === 'inspect' || first.script === 'debug') {
    return firstOperand(args, first.at + 1, nodeValues);
  }
  const name = basename(first.script).replace(/\.[cm]?js$/, '');
  if (runners.has(name) || (/[\\/](tsx|ts-node|jiti)[\\/](dist|lib)[\\/]/.test(first.script) && /^(cli|bin|jiti-cli)$/.test(name))) {
    const next = firstOperand(args, first.at + 1, new Set([...nodeValues, ...runnerValues]));
    return 'unknown' in next ? first : next;
  }
  return first;
}

/** The same for Bun: `bun x.ts`, `bun run x.ts`. */
export function bunScript(args: readonly string[]): ScriptArgument {
  const first = firstOperand(args, 0, bunValueOptions);
  if ('unknown' in first) {
    return first;
  }
  if (first.script === 'x' || first.script === 'exec') {
    return { unknown: because`"bun ${first.script}" only launches another process` };
  }
  return first.script === 'run' ? firstOperand(args, first.at + 1, bunValueOptions) : first;
}

/** The same for Deno: `deno run -A x.ts`, `deno run -A npm:name@1.2.3` (the specifier is given as it is). */
export function denoScript(args: readonly string[]): ScriptArgument {
  const first = firstOperand(args, 0, denoValueOptions);
  if ('unknown' in first) {
    return first;
  }
  const script = ['run', 'serve', 'x'].includes(first.script) ? firstOperand(args, first.at + 1, denoValueOptions) : first;
  if (!('unknown' in script) && /^(jsr|https?|data|node):/.test(script.script)) {
    return { unknown: because`it runs from an address or from JSR, for which the cache of Deno has no readable version` };
  }
  return script;
}

function firstOperand(args: readonly string[], from: number, withValue: ReadonlySet<string>): ScriptArgument {
  for (let at = from; at < args.length; at += 1) {
    const argument = args[at] ?? '';
    if (argument === '--') {
      const script = args[at + 1];
      return script === undefined ? { unknown: because`its command line names no script` } : { script, at: at + 1 };
    }
    if (argument === '-') {
      return { unknown: because`its program came through stdin` };
    }
    if (!argument.startsWith('-')) {
      return argument === '' ? { unknown: because`its command line names no script` } : { script: argument, at };
    }
    if (evaluating.has(argument) || argument.startsWith('--eval=') || argument.startsWith('--print=')) {
      return { unknown: because`its program was given as text on the command line` };
    }
    if (argument === '--run' || argument.startsWith('--run=')) {
      return { unknown: because`it only launches a package script` };
    }
    if (withValue.has(argument)) {
      at += 1;
    }
  }
  return { unknown: because`its command line names no script` };
}
