import { t, translated } from '../../base/language/translate.ts';
import { clientById, clientName } from '../../clients/clientTable.ts';
import type { RawDefinition } from '../../model/definition.ts';
import { isLetterSecret, isOrdinaryValue, isReference, isSecretName, isSecretVariable, tokenShapes } from '../../redaction/secretShapes.ts';
import { parseNpmSpec } from '../../version/npmSpec.ts';
import { parsePythonSpec } from '../../version/pythonSpec.ts';
import { definitionLaunches } from '../match/launchFit.ts';
import { hasVariable } from '../match/wordPattern.ts';
import { clientEnvironments, type HealthFacts, type HealthVerdict } from './healthFacts.ts';

/** Names in the notations of clients that replace them by a variable of their environment, without a default. */
const notations = {
  '${NAME}': /\$\{([A-Za-z_]\w*)\}/g,
  '${env:NAME}': /\$\{env:([A-Za-z_]\w*)\}/g,
  '{env:NAME}': /\{env:([A-Za-z_]\w*)\}/g,
} as const;
/** Names that the client fills in itself. */
const ownNames = /^(?:CLAUDE_\w+|HOME|USERPROFILE|workspaceFolder\w*|workspaceRoot|userHome|pathSeparator)$/;

/** The entry names a variable that its client does not have. Judged only where the client's environment is known. */
export function unsetVariable(entry: RawDefinition, facts: HealthFacts): HealthVerdict | undefined {
  const notation = clientById(entry.client)?.variable;
  const environments = clientEnvironments(entry, facts);
  if (notation === undefined || environments === undefined) {
    return undefined;
  }
  const fold = (name: string): string => (facts.platform === 'win32' ? name.toUpperCase() : name);
  const known = new Set(environments.flatMap((environment) => [...environment.keys()].map(fold)));
  const words = [
    entry.command,
    ...entry.args,
    ...Object.values(entry.env),
    entry.cwd,
    entry.url,
    ...(entry.headers ?? []).map(([, value]) => value),
  ].filter((word) => typeof word === 'string');
  const names = words.flatMap((word) => [...word.matchAll(notations[notation])].map(([, name = '']) => name));
  const unset = [...new Set(names)].filter((name) => !ownNames.test(name) && !known.has(fold(name)));
  return unset.length === 0
    ? undefined
    : {
        message: t(
          '{0} gets nothing for {1}: {2} has no variable of that name. Set it where {2} starts.',
          entry.name,
          unset.slice(0, 5).join(', '),
          clientName(entry.client),
        ),
      };
}

/** Texts that stand for a value which the user must still fill in. */
const placeholder = /your|xxx|example|change.?me|placeholder|\.\.\.|…|\*\*\*|dummy|sample|insert|replace|<[^<>]*>|todo|fixme/i;
const passwordInUrl = /^[a-z][a-z\d+.-]*:\/\/[^/?#@:\s]+:([^@/\s]+)@/i;
/** `Server=db;Password=S`. */
const passwordInFields = /(?:^|;)\s{0,9}(?:password|pwd)\s{0,9}=\s{0,9}([^;]+)/i;

/** Whether a value is a secret itself and neither a word, nor a path, nor a reference to where the secret is. */
function isPlainSecret(value: string): boolean {
  return (
    value.length >= 8 &&
    value.length <= 4_096 &&
    !isReference(value) &&
    !hasVariable(value) &&
    !isOrdinaryValue(value) &&
    !placeholder.test(value)
  );
}

/** Whether a text holds a token of a known shape, or a password in an address or a connection string. */
function holdsToken(text: string): boolean {
  const password = (passwordInUrl.exec(text) ?? passwordInFields.exec(text))?.[1];
  return (
    text.length <= 65_536 &&
    !placeholder.test(text) &&
    !hasVariable(text) &&
    (text.search(tokenShapes) >= 0 || (password !== undefined && isPlainSecret(password)))
  );
}

/** `-pSECRET`. */
function isGluedSecret(arg: string): boolean {
  return /^-[A-Za-z][^-]/.test(arg) && isLetterSecret(arg.charAt(1), arg.slice(2)) && isPlainSecret(arg.slice(2));
}

/** The name of each value of the entry that is a secret in plain text. */
function secretNames({ env, args, command, headers = [] }: RawDefinition): string[] {
  const variables = Object.entries(env).flatMap(([name, value]) =>
    value !== null && ((isSecretVariable(name, value) && isPlainSecret(value)) || holdsToken(value)) ? [name] : [],
  );
  const options = args.flatMap((arg, index) => {
    const before = index === 0 ? (command ?? '') : (args[index - 1] ?? '');
    const [, name = '', value = ''] = /^(--?[A-Za-z][\w.-]*)=(.*)$/s.exec(arg) ?? [];
    if (name !== '') {
      return (isSecretName(name) && isPlainSecret(value)) || holdsToken(value) ? [name] : [];
    }
    const isNamed = /^--?[A-Za-z][\w.-]*$/.test(before);
    if (isNamed && isSecretName(before) && isPlainSecret(arg)) {
      return [before];
    }
    if (isGluedSecret(arg)) {
      return [arg.slice(0, 2)];
    }
    return holdsToken(arg) ? [isNamed && !isGluedSecret(before) ? before : t('an argument')] : [];
  });
  const sent = headers.flatMap(([name, value]) => {
    const bare = value.replace(/^(?:Bearer|Basic|Token)\s+/i, '');
    return (isSecretName(name) && isPlainSecret(bare)) || holdsToken(bare) ? [name] : [];
  });
  return [...new Set([...variables, ...options, ...sent])];
}

/** The entry holds a secret in plain text: a warning where the file belongs to a project, which others may get. */
export function plainSecret(entry: RawDefinition): HealthVerdict | undefined {
  const names = secretNames(entry);
  const [first] = names;
  if (first === undefined) {
    return undefined;
  }
  const isShared = entry.scope === 'project' || entry.scope === 'workspace';
  // An argument without a name, or with one letter, names no variable.
  const variable = /^-{0,2}[A-Za-z][\w.-]+$/.test(first) ? first.replace(/^-+/, '').replace(/\W+/g, '_').toUpperCase() : 'SECRET';
  const known = clientById(entry.client)?.secretStep;
  const step =
    known === undefined
      ? t('Keep it in the environment, where the client can pass it on.')
      : translated(known).replaceAll('NAME', () => variable);
  return {
    message: [
      // In brackets: the word after the name of an option would count as its value.
      t('{0} has a secret in plain text ({1}).', entry.name, names.slice(0, 5).join(', ')),
      ...(isShared ? [t('The file belongs to a project, so others may get it.')] : []),
      step,
    ].join(' '),
    ...(isShared ? { level: 'warning' } : {}),
  };
}

const npmRunners: ReadonlySet<string> = new Set(['npm-exec', 'pnpm-dlx', 'yarn-dlx', 'bunx']);
const pythonRunners: ReadonlySet<string> = new Set(['uvx', 'pipx-run']);

/** The entry leaves it to npx, uvx and their relatives which version of its package runs. */
export function unpinned(entry: RawDefinition): HealthVerdict | undefined {
  const launch = definitionLaunches(entry).find(
    ({ spec, launcher }) => spec !== undefined && (npmRunners.has(launcher) || pythonRunners.has(launcher)),
  );
  const spec = launch?.spec;
  if (launch === undefined || spec === undefined || hasVariable(spec)) {
    return undefined;
  }
  const name = npmRunners.has(launch.launcher) ? openNpmName(spec) : openPythonName(spec);
  return name === undefined
    ? undefined
    : {
        message: t(
          '{0} names no version of {1}, so each start can run another one. Write {1}@VERSION to decide it yourself.',
          entry.name,
          name,
        ),
      };
}

/** The name in a spec of npm that leaves the version open. */
function openNpmName(text: string): string | undefined {
  const spec = parseNpmSpec(text);
  return spec.kind === 'registry' && spec.selector?.kind !== 'version' ? spec.name : undefined;
}

/** The name in a spec of Python that leaves the version open. */
function openPythonName(text: string): string | undefined {
  const spec = parsePythonSpec(text);
  const isOpen = spec.kind === 'registry' && !/^===?[^*]+$/.test(spec.specifier) && (spec.tag === undefined || spec.tag === 'latest');
  return isOpen ? spec.name : undefined;
}
