import { lastPart } from './commandName.ts';

/**
 * The name in a package spec: `@scope/name@1.2` → `@scope/name`, `name==1.0` and `name[extra]` → `name`, `npm:x` → `x`. For URLs and paths the last part without
 * `.git`.
 */
export function specName(spec: string): string {
  const text = spec.replace(/^(npm|jsr):\/?/, '');
  if (/^(git\+|https?:|file:|ssh:|git@|github:|\.{0,2}[/\\]|~[/\\]|[a-z]:[\\/])/i.test(text)) {
    const direct = /^([\w.-]+)\s*@\s/.exec(text)?.[1];
    return direct ?? lastPart(text.replace(/[#?].*$/, '').replace(/\.git(@.*)?$/, '')).replace(/@[^@]*$/, '');
  }
  const npm = /^(@[^/@\s]+\/[^@\s]+|[^@\s[=<>~!;]+)/.exec(text)?.[1];
  return npm ?? text;
}

/** The exact version in a spec (`name@1.2.3`, `name==1.2.3`); undefined for ranges, tags and bare names. */
export function specVersion(spec: string): string | undefined {
  const npm = /^(?:@[^/]+\/)?[^@/]+@v?(\d+\.\d+\.\d+[\w.+-]*)$/.exec(spec.replace(/^(npm|jsr):\/?/, ''))?.[1];
  return npm ?? /^[\w.-]+(?:\[[^\]]*\])?\s*={2,3}\s*([\w.!+]+)$/.exec(spec)?.[1];
}

/** The name without its scope, which is also the name of a package's only program. */
export function unscopedName(name: string): string {
  return name.startsWith('@') ? name.slice(name.indexOf('/') + 1) : name;
}

/** Whether two names are equal by the rules of Python (PEP 503): case is ignored, and runs of `-`, `_`, `.` are equal. Also used for npm names. */
export function sameName(a: string, b: string): boolean {
  return plainName(a) === plainName(b);
}

/** A name in the form in which `sameName` compares it. */
export function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, '-');
}
