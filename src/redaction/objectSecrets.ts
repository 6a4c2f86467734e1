import { isOpen } from './looseSecrets.ts';
import { hidesValue, isSecretField, isSecretName, redacted } from './secretShapes.ts';

/** `{token:'S'}`, `:token => "S"`: a value in quotes after a name without them. */
const objectField = /((?:^|[\s({[,;:])["']?\$?([A-Za-z_][\w.-]{0,60})["']?\s{0,3}(?::|=>)\s{0,3})(["'`])((?:\\.|(?!\3)[^\\]){1,4096})\3/g;
/** `{tokens:['S', 'S']}`. */
const objectList =
  /((?:^|[\s({[,;:])([A-Za-z_][\w.-]{0,60})\s{0,3}:\s{0,3}\[)((?:\s{0,3}(["'`])(?:\\.|(?!\4)[^\\]){0,4096}\4\s{0,3},?){1,100})/g;
/** `{"name":"API_KEY","value":"S"}`, `<add key="ApiKey" value="S"/>`. */
const namedPair =
  /((?:name|key)["']?\s{0,3}[:=]\s{0,3}(["'])([\w.:-]{1,100})\2[\s,]{1,3}["']?value["']?\s{0,3}[:=]\s{0,3}(["']))((?:\\.|(?!\4)[^\\]){1,4096})(?=\4)/gi;
/** `"credentials":{"user":"x","value":"S"}`, `env={X="S"}`: the texts in it. */
const secretObject =
  /(["']?(?<![A-Za-z])(?:credentials?|creds|secrets?|env|environment|(?:http_)?headers)["']?\s{0,3}[:=]\s{0,3}\{)([^{}]{1,4096})(?=\})/gi;
const fieldText = /([:=]\s{0,3})(["'])((?:\\.|(?!\2)[^\\]){1,4096})\2/g;
/** `"pin": 918273645`. */
const fieldNumber = /(["']([\w.-]{1,60})["']\s{0,3}:\s{0,3})\d{4,40}(?=[\s,}])/g;
/** URL-encoded: `%22token%22%3A%22S%22`, `%3Ftoken%3DS`. */
const encodedField = /(%22([\w.-]{1,60})%22%3A(?:%20|\+)?%22)((?:(?!%22)[^\s"']){1,4096})/gi;
const encodedQuery = /(%(?:3F|26|23)([\w.-]{1,60})%3D)((?:(?!%26|%23)[^\s"'&;,]){1,4096})/gi;
/** Variables and secure strings of PowerShell: `$env:X = 'S'`. */
const shellVariable =
  /(\$(?:\{env:[\w.-]{1,60}\}|env:\w{1,60})\s{0,3}=\s{0,3}|SetEnvironmentVariable\(\s{0,3}["'][^"'\s]{1,60}["']\s{0,3},\s{0,3}|ConvertTo-SecureString\s(?:-String\s)?)("[^"]{1,4096}"|'[^']{1,4096}'|[^\s"';,()$]{1,4096})/gi;
/** `${KEY:-S}`. */
const defaultValue = /(\$\{(?:env:)?([A-Za-z_]\w{0,60}):?[-=])([^{}\s]{1,4096})(?=\})/g;
/** The parts of a header after its scheme: `Digest username="x", response="S"`. */
const schemeParts =
  /((?:proxy-)?authorization["']?\s{0,3}[:=]\s{0,3}["']?(?:Digest|Token|OAuth|Hawk|Signature|AWS4-HMAC-SHA256)\s{1,3})(?:[\w-]{1,40}=(?:"[^"]{0,4096}"|[^\s",']{0,4096}),?\s?){1,20}/gi;

/** What the rules below need; most texts have none of it. */
const mayHold = /["'`]|\$\{|%[2-3][0-9A-F]|authorization/i;

/** Redacts named secrets in objects, settings and shells of other languages than JSON and POSIX. Runs before the other rules by names, which would take a part for the whole. */
export function redactObjects(text: string): string {
  if (!mayHold.test(text)) {
    return text;
  }
  return text
    .replace(schemeParts, `$1${redacted}`)
    .replace(shellVariable, (all, set: string, value: string) => (isOpen(value) ? `${set}${redacted}` : all))
    .replace(defaultValue, (all, before: string, name: string, value: string) =>
      hidesValue(name, value) && isOpen(value) ? `${before}${redacted}` : all,
    )
    .replace(namedPair, (all, before: string, _quote: string, name: string, _open: string, value: string) =>
      isSecretName(name) && isOpen(value) ? `${before}${redacted}` : all,
    )
    .replace(
      secretObject,
      (_all, before: string, fields: string) =>
        `${before}${fields.replace(fieldText, (all, colon: string, quote: string, value: string) => (isOpen(value) ? `${colon}${quote}${redacted}${quote}` : all))}`,
    )
    .replace(fieldNumber, (all, before: string, name: string) => (isSecretName(name) ? `${before}${redacted}` : all))
    .replace(objectField, (all, before: string, name: string, quote: string, value: string) =>
      hidesValue(name, value) && isOpen(value) ? `${before}${quote}${redacted}${quote}` : all,
    )
    .replace(objectList, (all, before: string, name: string, items: string) =>
      isSecretField(name)
        ? `${before}${items.replace(/(["'`])((?:\\.|(?!\1)[^\\]){1,4096})\1/g, (item, quote: string, value: string) => (isOpen(value) ? `${quote}${redacted}${quote}` : item))}`
        : all,
    )
    .replace(encodedField, (all, before: string, name: string, value: string) =>
      isSecretName(name) && isOpen(value) ? `${before}${redacted}` : all,
    )
    .replace(encodedQuery, (all, before: string, name: string, value: string) =>
      isSecretName(name) && isOpen(value) ? `${before}${redacted}` : all,
    );
}
