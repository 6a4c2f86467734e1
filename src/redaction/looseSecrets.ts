import { hidesValue, isLetterSecret, isReference, isSecretName, isSecretWord, mayHide, redacted } from './secretShapes.ts';

/** Headers whose value is a secret, also without an option before them. */
export const secretHeaderName =
  /^(?:proxy-authorization|authorization|cookie|set-cookie|[a-z\d]+(?:-[a-z\d]+)*-(?:key|token|secret|auth|password|signature))$/i;

/** `; Password = a b;` in a connection string: the value ends at the semicolon, not at a blank. */
const connectionPart = /(^|[;"'\s=])([A-Za-z][\w .-]{0,40}?)(\s{0,3}=\s{0,3})("[^"]*"|'[^']*'|\{[^{}]*\}|[^;"']*)(?=(;?))/g;
/** `--header X-Api-Key SECRET`, also with a scheme word between. */
const spacedHeader =
  /((?:^|\s)(?:-H|--headers?)(?:\s+|=)["']?)([\w-]+)(:?\s+)(?!-)((?:(?:Bearer|Basic|Token|ApiKey|Digest|Negotiate)\s+)?[^\s"']+)/gi;
/** `Authorization: S` without an option. */
const bareHeader =
  /(^|[\s"'{(,])([A-Za-z][\w-]{1,60})(\s{0,3}:\s{0,3})((?:(?:Bearer|Basic|Token|ApiKey|Digest|Negotiate)\s+)?[^\s"',;)}]+)/gi;
/** A header in a setting of git. */
const gitHeader = /(http\.(?:[^=\s]{1,200}\.)?extraheader=[\w-]{1,60}:\s{0,3})((?:(?:Bearer|Basic|Token|ApiKey)\s+)?[^\s"']+)/gi;
/** A cookie's value continues after semicolons. */
const cookieHeader = /(^|[\s"'{(,])((?:set-)?cookie\s{0,3}:\s{0,3})([^\s"'‹][^"'\n‹]*)/gi;
/** `token=abc`, as in logs of servers, connection strings with blanks, `/password=abc`, `//registry/:_authToken=abc` and `host/mcp?token=abc&key=abc`; also below, where a line's end is written as an escape. */
const anyAssignment = /(?:^|[\s"'({[,;:/?&#$|=\\])([A-Za-z_][\w.-]{0,60})\s{0,3}=>?\s{0,3}(?:\\[nrt]\s{1,20})?/g;
const assignedValue = /"[^"]*"|'[^']*'|[^\s"';,&|]+/y;
/** `password:S`, `/password:S`; `apiKey: S`, where the value does not look like a word of a sentence. */
const namedValue = /((?:^|[\s"'({,;=[])\/?)([A-Za-z_][\w.-]{0,60})(:[ \t]{0,3})([^\s"',;)}\]]+)/g;
/** `password S`, `auth S`, `--session S`, also on the next line: a value that looks like a secret right after a name. */
const wordsBeside =
  /(?<=(?:^|[\s"'`({,;=[])-{0,2}([A-Za-z_][\w.-]{0,60}))(\s{0,2}[=:]\s{0,2}|(?:\s|\\[nrt]){1,3})([^\s"'`‹,;()[\]{}\\]{6,4096})/g;
/** `-pS`, `-k S`, `/p:S`. */
const letterOption = /((?:^|[\s"'])(?:-([A-Za-z])[ \t]{0,3}|\/([A-Za-z]):))(?!-)([^\s"'‹]{6,200})(?![^\s"'])/g;
/** `-u name:S`, `--http-user name%S`. */
const userOption =
  /(?<=(?:^|[\s"'])(-[uU]|--[\w-]{0,40}))((?:\s+|=)["']?)((?:[^\s:%"'\\/‹]{1,200}(?:\\|\/(?=[^\s:%"'\\/‹]{1,200}%)))?[^\s:%"'\\/‹]{1,200}[:%/](?![\\/])[^\s"'‹]+)/g;
/** Options that take a user, with or without a password. */
const userOptionName = /^(?:-[uU]|--(?:[\w-]{0,40}-)?(?:user|username|login|userpwd|basic|account))$/;
/** `jdbc:oracle:thin:user/S@host`. */
const oracleUser = /(jdbc:oracle:\w{1,10}:[^\s/@:"']{0,200}\/)([^\s"'‹][^\s"']*)(?=@)/gi;
/** The path of a bot's address. */
const telegramBot = /(\bapi\.telegram\.org\/(?:file\/)?bot\d{1,20}:)[\w-]+/gi;
/** `user:password@host` without a scheme before it, also `//user:password@host`. */
const bareUserInfo = /(?<![\w.+/@:-])((?:\/\/)?)([\w.+-]{1,64}):([^\s:@/"'‹]{1,200})@([\w-]+(?:\.[\w-]+)*)/g;
/** `npm:chromadb@1.2.3`, `mailto:me@example.com`, `ssh:git@host`: the word before the colon is not a user. */
const otherSchemes =
  /^(?:npm|jsr|file|link|portal|patch|workspace|pypi|uv|git|ssh|mailto|pkg|node|docker|github|gitlab|bitbucket|gist|acct|sip|sips|xmpp|urn|data)$/i;
/** Redacts secrets without an option before them. Runs after the rules for schemes and flags; does not change redacted parts. */
export function redactLoose(text: string): string {
  const headers = text
    .replace(connectionPart, (all, before: string, name: string, equals: string, value: string, after: string) => {
      const inList = before === ';' || after === ';';
      return inList && isSecretName(name) && isOpen(value) ? `${before}${name}${equals}${redacted}` : all;
    })
    .replace(spacedHeader, (all, option: string, name: string, between: string, value: string) =>
      (name.includes('-') || between.startsWith(':') || isSecretName(name)) && isOpen(value)
        ? `${option}${name}${between}${redacted}`
        : all,
    )
    .replace(gitHeader, (all, before: string, value: string) => (isOpen(value) ? `${before}${redacted}` : all))
    .replace(cookieHeader, `$1$2${redacted}`)
    .replace(bareHeader, (all, before: string, name: string, colon: string, value: string) =>
      secretHeaderName.test(name) && isOpen(value) ? `${before}${name}${colon}${redacted}` : all,
    );
  return redactAssigned(headers)
    .replace(namedValue, (all, before: string, name: string, colon: string, value: string) =>
      (before.endsWith('/') ? hidesValue(name, value) : isSecretName(name)) &&
      isOpen(value) &&
      !isPath(value) &&
      (colon === ':' || !isPlainWord(value))
        ? `${before}${name}${colon}${redacted}`
        : all,
    )
    .replace(wordsBeside, (all, name: string, between: string, value: string) =>
      isSecretBeside(name, value) ? `${between}${redacted}` : all,
    )
    .replace(letterOption, (all, option: string, letter = '', slashed = '', value: string) =>
      isLetterSecret(letter || slashed, value) ? `${option}${redacted}` : all,
    )
    .replace(userOption, (all, option: string, between: string, value: string) =>
      isUserOption(option) && isUserAndPassword(option, value) && isOpen(value) ? `${between}${redacted}` : all,
    )
    .replace(oracleUser, `$1${redacted}`)
    .replace(telegramBot, `$1${redacted}`)
    .replace(bareUserInfo, (all, slashes: string, user: string, _password: string, host: string) =>
      isUserInfo(user, host) ? `${slashes}${redacted}@${host}` : all,
    );
}

/** Replaces what is assigned to a name. After another name the search goes on in the value: `client = Client(token="S")`, `-var=token=S`. */
function redactAssigned(text: string): string {
  let shown = '';
  let kept = 0;
  anyAssignment.lastIndex = 0;
  for (let found = anyAssignment.exec(text); found; found = anyAssignment.exec(text)) {
    const end = anyAssignment.lastIndex;
    assignedValue.lastIndex = end;
    const value = mayHide(found[1] ?? '') ? (assignedValue.exec(text)?.[0] ?? '') : '';
    if (value !== '' && hidesValue(found[1] ?? '', value) && isOpen(value)) {
      shown += `${text.slice(kept, end)}${redacted}`;
      kept = end + value.length;
      anyAssignment.lastIndex = kept;
    } else {
      // The sign may stand before the next name.
      anyAssignment.lastIndex = end - 1;
    }
  }
  return shown + text.slice(kept);
}

function isUserInfo(user: string, host: string): boolean {
  const version = /^\d+(?:\.\d+)*$/.test(host) && !/^\d+\.\d+\.\d+\.\d+$/.test(host);
  return user.toLowerCase() !== 'git' && !otherSchemes.test(user) && !version && !/^(?:sha\d+|latest|next)$/i.test(host);
}

/** Whether the word after an option is a user, or a user and password. */
export function isUserOption(option: string): boolean {
  return userOptionName.test(option);
}

/** `name:password`, `name%password` and `domain/name%password` (Samba), `name/password` (Oracle); not `1000:1000`, `localhost:80`, `@scope/package` and `C:\\path`. A name alone is no secret. */
export function isUserAndPassword(option: string, value: string): boolean {
  const [, name = '', sign = '', password = ''] = /^((?:[^:%/\s]+\/(?=[^:%/\s]+%))?[^:%/\s]+)([:%/])(?![\\/])(\S+)$/.exec(value) ?? [];
  if (name === '' || /^@|^\d+$/.test(name) || isReference(value)) {
    return false;
  }
  if (sign === ':') {
    return /\D/.test(password) || !(name === 'localhost' || name.includes('.'));
  }
  return option.startsWith('--') || sign === '%';
}

/** Whether a word after this name is a secret without any sign between: `password S`, `--session S`; not `key python3.12`, `session work-2`, `auth a@1.2.3`. */
export function isSecretBeside(name: string, value: string): boolean {
  return (
    (isSecretName(name) || /(?:^|[^a-z])(?:sessions?|session-?id|seed|phrase|salt|signing|user|username|login)$/i.test(name)) &&
    isSecretWord(name, value) &&
    !isPath(value)
  );
}

export function isPath(value: string): boolean {
  return /^(?:~|\.{1,2})?[\\/][\w ./\\-]*$/.test(value);
}

/** A word as in a sentence, after `token: `: no digits, no capitals within, not long. */
function isPlainWord(value: string): boolean {
  return /^‹?[A-Za-z]?[a-z'’-]{0,20}[.!?…›]*$/.test(value);
}

/** Something to hide: not empty, not redacted already, not a reference to where the secret is. */
export function isOpen(value: string): boolean {
  const bare = value.replace(/^["']|["']$/g, '').trim();
  return bare !== '' && !bare.includes(redacted) && !isReference(bare);
}
