import { createRedactor, secretsOf } from '../../redaction/redactor.ts';
import { keyBegin } from '../ensure/keptLogs.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** A private key begins and does not end. */
const opensKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----END )[\s\S])*$/;

/**
 * Redacts one part of a program's output after the other: by the rules for texts, and the values of this user's own secret variables. Remembers whether the part
 * before ended inside a private key, or with the name of a secret.
 */
export function hideSecrets(env: Variables): (text: string) => string {
  const own = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value ?? '']));
  const redactor = createRedactor(secretsOf({ args: [], env: own, headers: [] }));
  let before = '';
  return (text) => {
    const whole = `${before}${text}`;
    const shown = redactor.text(whole);
    const known = before === keyBegin ? '' : redactor.text(before);
    before = opensKey.test(whole) ? keyBegin : text.slice(text.lastIndexOf('\n', text.length - 2) + 1).slice(-1_000);
    return shown.startsWith(known) ? shown.slice(known.length) : shown;
  };
}

/** The same for output that comes line by line, without line ends. */
export function hideSecretsOfLines(env: Variables): (line: string) => string {
  const hide = hideSecrets(env);
  return (line) => hide(`${line}\n`).trimEnd();
}
