// Not the whole library: the guard loads this before it starts a server.
import pep440 from '@renovatebot/pep440/lib/specifier.js';

/** The values of a marker's variables. A variable that is missing here is unknown. */
export type MarkerValues = Readonly<Record<string, string>>;

/** Marker variables of CPython on this system (PEP 508), for an environment of the given Python ("3.11.4", or "3.11" where the patch level is not known); files show no others. */
export function markerValues(pythonVersion: string | undefined, platform: NodeJS.Platform, arch: string): MarkerValues {
  const system: Readonly<Record<string, string>> = { linux: 'Linux', darwin: 'Darwin', win32: 'Windows' };
  const machines: Readonly<Record<string, string>> =
    platform === 'win32' ? { x64: 'AMD64', arm64: 'ARM64' } : { x64: 'x86_64', arm64: platform === 'darwin' ? 'arm64' : 'aarch64' };
  const machine = machines[arch];
  return {
    os_name: platform === 'win32' ? 'nt' : 'posix',
    sys_platform: platform,
    implementation_name: 'cpython',
    platform_python_implementation: 'CPython',
    ...(system[platform] ? { platform_system: system[platform] } : {}),
    ...(machine ? { platform_machine: machine } : {}),
    ...(pythonVersion ? { python_version: /^\d+\.\d+/.exec(pythonVersion)?.[0] ?? pythonVersion, python_full_version: pythonVersion } : {}),
  };
}

type Token = { readonly kind: 'text' | 'name' | 'operator'; readonly value: string };

/**
 * Whether a requirement with this marker holds. A marker that cannot be parsed, or whose value is unknown, does not hold: a package that may not be required
 * must not make a server look outdated.
 *
 * @param extra the extra that is evaluated, normalised; empty = none
 */
export function markerHolds(marker: string, values: MarkerValues, extra: string): boolean {
  const tokens = tokenize(marker);
  if (!tokens) {
    return false;
  }
  const parser = new MarkerParser(tokens, { ...values, extra });
  const result = parser.either();
  return parser.done && result === true;
}

function tokenize(text: string): Token[] | undefined {
  const tokens: Token[] = [];
  const pattern = /\s*(?:(["'])(.*?)\1|(===|==|~=|!=|<=|>=|<|>|\(|\)|\bnot\s+in\b|\bin\b|\band\b|\bor\b)|([A-Za-z_][\w.]*))\s*/gy;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (!match || tokens.length > 500) {
      return undefined;
    }
    if (match[1] !== undefined) {
      tokens.push({ kind: 'text', value: match[2] ?? '' });
    } else if (match[3] !== undefined) {
      tokens.push({ kind: 'operator', value: match[3].replace(/\s+/, ' ') });
    } else {
      tokens.push({ kind: 'name', value: match[4] ?? '' });
    }
  }
  return tokens;
}

/** Parses and evaluates a marker with three values: undefined = unknown. */
class MarkerParser {
  readonly #tokens: readonly Token[];
  readonly #values: MarkerValues;
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], values: MarkerValues) {
    this.#tokens = tokens;
    this.#values = values;
  }

  get done(): boolean {
    return this.#at === this.#tokens.length;
  }

  either(): boolean | undefined {
    let result = this.#both();
    while (this.#take('or')) {
      const right = this.#both();
      result = result === true || right === true ? true : result === undefined || right === undefined ? undefined : false;
    }
    return result;
  }

  #both(): boolean | undefined {
    let result = this.#one();
    while (this.#take('and')) {
      const right = this.#one();
      result = result === false || right === false ? false : result === undefined || right === undefined ? undefined : true;
    }
    return result;
  }

  #one(): boolean | undefined {
    if (this.#depth < 50 && this.#take('(')) {
      this.#depth += 1;
      const inner = this.either();
      this.#depth -= 1;
      return this.#take(')') ? inner : undefined;
    }
    const [left, operator, right] = this.#tokens.slice(this.#at, this.#at + 3);
    this.#at += 3;
    if (!left || !right || operator?.kind !== 'operator' || left.kind === 'operator' || right.kind === 'operator') {
      return undefined;
    }
    const variable = left.kind === 'name' ? left.value : right.kind === 'name' ? right.value : '';
    const a = left.kind === 'name' ? this.#values[left.value] : left.value;
    const b = right.kind === 'name' ? this.#values[right.value] : right.value;
    if (a === undefined || b === undefined) {
      return undefined;
    }
    if (variable === 'python_full_version' && /^\d+\.\d+$/.test(this.#values[variable] ?? '')) {
      return left.kind === 'name' ? compareAnyPatch(a, operator.value, b) : compareAnyPatch(b, mirrored(operator.value), a);
    }
    return compare(variable, a, operator.value, b);
  }

  #take(operator: string): boolean {
    const next = this.#tokens[this.#at];
    if (next?.kind !== 'operator' || next.value !== operator) {
      return false;
    }
    this.#at += 1;
    return true;
  }
}

function compare(variable: string, a: string, operator: string, b: string): boolean | undefined {
  if (operator === 'in' || operator === 'not in') {
    return b.includes(a) === (operator === 'in');
  }
  const versions = variable.endsWith('_version') && !a.includes('*') && pep440.validRange(`==${a}`);
  if (versions && operator !== '===' && pep440.validRange(`${operator}${b}`)) {
    return pep440.satisfies(a, `${operator}${b}`, { prereleases: true });
  }
  const same = variable === 'extra' ? a.toLowerCase().replace(/[-_.]+/g, '-') === b.toLowerCase().replace(/[-_.]+/g, '-') : a === b;
  switch (operator) {
    case '==':
    case '===':
      return same;
    case '!=':
      return !same;
    default:
      return undefined;
  }
}

/** The operator that says the same with its sides exchanged; no operator for `~=`, which has none. */
function mirrored(operator: string): string {
  return operator.replace(/[<>~]/, (sign) => (sign === '~' ? '' : sign === '<' ? '>' : '<'));
}

/** Compares a Python version without its patch level: undefined where the patch level decides. */
function compareAnyPatch(minor: string, operator: string, b: string): boolean | undefined {
  const [lowest, highest] = [`${minor}.0`, `${minor}.99999`];
  if (!pep440.validRange(`${operator}${b}`) || operator === '===') {
    return undefined;
  }
  const holds = (version: string, range: string): boolean => pep440.satisfies(version, range, { prereleases: true });
  const one = /^[=!]=$/.test(operator) && !b.endsWith('*');
  const within = one && holds(lowest, `<=${b}`) !== holds(highest, `<=${b}`);
  const [first, last] = [holds(lowest, `${operator}${b}`), holds(highest, `${operator}${b}`)];
  return within || first !== last ? undefined : first;
}
