/** Replaces every redacted part of a text. */
export const redacted = '‹redacted›';

/** Words that make a name (of a flag, a variable, a header, a query parameter) a secret's name anywhere in it. */
const strongWords =
  /^(\w{0,30}(token|secret|password|passwd|passphrase|apikey)|credential|credentials|cred|creds|authorization|bearer|jwt|mnemonic|passcode|passwort|kennwort|senha|contrasena)$/;
/** Words that do so only at its end (`--ssh-key`, not `--key-bindings`). */
const weakWords =
  /^(key|keys|pass|pwd|passw|pswd|psk|passkey|pat|auth|cookie|cookies|sas|dsn|signature|sig|otp|totp|mfa|pin|pw|hmac|csrf|xsrf|j?sessionid|(php)?sessid|sessdata|nkey|xox[cd])$/;
/** What people write before `pass`, `pwd` or `pw` in one word (`dbpass`; not `bypass`), and before `key` (`openaikey`; not `hotkey`). */
const gluedWords =
  /^(?:(?:db|database|user|usr|smtp|imap|mail|email|root|admin|sudo|su|ssh|ftp|sftp|http|https|proxy|redis|mysql|pg|postgres|mongo|ldap|bind|key|store|wifi|app|api|my|sa|rpc|vnc|rdp|login|master|require|become|cert|p12|pfx|client|server|service|account)(?:pass|pwd|pw|pswd)|(?:priv|user|app|application|consumer|customer|service|project|session|subscription|integration|admin|root|server|bot|personal|storage|account|function|instrumentation|licence|host|wallet|hmac|ssh|rsa|tls|ssl|openai|anthropic|claude|gemini|google|azure|mistral|groq|cohere|tavily|brave|exa|serp|deepl|deepseek|github|gitlab|maps|openrouter|perplexity|figma|notion|stripe|sendgrid|linear)key)$/;
/** A name that ends with one of these is not a secret's: its value says where the secret is, or how many there are. */
const harmlessEnds =
  /^(path|paths|file|files|dir|folder|home|root|name|names|type|types|id|ids|env|var|vars|url|uri|host|port|count|limit|max|min|size|length|budget|mode|method|methods|provider|scheme|server|endpoint|endpoints|issuer|stdin|format|ttl|timeout|expiry|only|enabled|disabled|required)$/;
/** Words in names of fields that count tokens. */
const quantities = /max|min|num|count|total|limit|budget|input|output|completion|prompt|context|thinking|cache|used|per_|stop/i;
/** Compound names without a separator between their words. */
const secretCompounds =
  /(api|access|private|auth|client|encryption|signing|master|secret|license|account|shared)key|accesstoken|authtoken|connectionstring|(seed|recovery|backup|secret)(phrase|words)|pass(?:word|phrase|code)$|apihash$|(?:auth|access|verification|pairing|activation|invite|invitation|recovery|backup|security|login|otp|device)code$/;

/** Files and command lines repeat the names of options and variables hundreds of times. */
const judgedNames = new Map<string, boolean>();
const mostNames = 1_000;

/**
 * Whether the name of a flag, variable, header, field or query parameter says that its value is a secret: `--api-key`, `GITHUB_TOKEN`,
 * `X-Auth-Token`, `clientSecret`; not `--max-tokens`, `--key-file`, `--token-url`, `--author`.
 */
export function isSecretName(name: string): boolean {
  if (name.length > 200) {
    return false;
  }
  const known = judgedNames.get(name);
  if (known !== undefined) {
    return known;
  }
  if (judgedNames.size >= mostNames) {
    judgedNames.clear();
  }
  const judged = namesSecret(name);
  judgedNames.set(name, judged);
  return judged;
}

function namesSecret(name: string): boolean {
  const defined = /^[\s"'=,]?-[DP](?=[a-z])/.exec(name)?.[0];
  // `-Dpassword=…` of Java, `-Ptoken=…` of Gradle; `-Pwd` and `-Pass` are names themselves.
  if (defined !== undefined && isSecretName(name.slice(defined.length))) {
    return true;
  }
  const words = wordsOf(name);
  // `--auth-value S`; not `--key-value`, which names a pair.
  const last = words.at(-1) === 'value' && words.at(-2) !== 'key' ? words.at(-2) : words.at(-1);
  if (last === undefined || harmlessEnds.test(last) || words[0] === 'no') {
    return false;
  }
  return (
    weakWords.test(last) || gluedWords.test(last) || words.some((word) => strongWords.test(word)) || secretCompounds.test(words.join(''))
  );
}

/** The words of a name in lower case: `clientSecret2`, `client-secret`, `CLIENT_SECRET`. */
function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== '');
}

/** Ends of names whose value may be a secret, or a number, a name or a file: `--seed legal…`, `--seed 42`. */
const doubtfulName = /(?:^| )(?:seed|phrase|signing|sessions?|session ?(?:ids?|string)|salt|sid|oauth|assertion|[sa]k)$/;
/** Values of such names that are no secret: numbers, versions, files, packages, and what a program calls its own. */
const evidentValue =
  /^(?:-?[\d.:T+-]{1,12}[A-Za-z%]{0,3}|new|random|last|latest|current|main|shared|memory|persistent|google|github|gitlab|microsoft|azure|okta|auth0|entra|keycloak|enabled|disabled|required|optional|device|browser|interactive|pkce|strict|ORCL\w{0,8}|XE|S-1-[\d-]+|@[\w.-]+\/[\w.@-]+|[\w.-]+@[\d.]+|[\w.@-]*\.(?:[cm]?[jt]sx?|py|json|ya?ml|toml|sh|exe|db|sqlite|txt|log)|(?:~|\.{1,2}|[A-Za-z]:)?[\\/][\w .\\/@-]*|[a-z][a-z\d+.-]*:\/\/.*)$/i;

/**
 * Whether the value of an option, a variable, a field or a parameter of this name is hidden. Always where the name says so (`isSecretName`). After a name that may
 * mean a secret (`--seed`, `--session`) unless the value is evidently none: `--seed 42`, `--session /tmp/session.json`.
 */
export function hidesValue(name: string, value: string): boolean {
  return (
    (isSecretName(name) && !isPlace(name, value)) ||
    (isDoubtfulName(name) && !isEmptyWord(value) && !evidentValue.test(value.slice(0, 4_096)))
  );
}

/** Files of keys after names of keys (`--key ~/.ssh/id_rsa`). */
const keyFile =
  /^(?:~|\.{1,2}|[A-Za-z]:)?[\\/](?:[\w .@-]+[\\/])*(?:id_(?:rsa|dsa|ecdsa|ed25519)|[\w.@-]+\.(?:pem|key|json|p8|p12|pfx|crt|jks|ppk))$/;
/** An address without user, password, query and fragment, also of a database on this machine. */
const openAddress = /^[a-z][a-z\d+.-]*:\/\/[\w.-]{0,100}(?::\d{1,5})?(?:\/[\w.-]{0,19}){0,3}$/i;

/** Whether a value says where the secret is, or where to connect without one. */
function isPlace(name: string, value: string): boolean {
  return value.length <= 300 && (/key$/i.test(name) ? keyFile.test(value) : /(?:string|dsn)$/i.test(name) && openAddress.test(value));
}

/** Whether there are values that `hidesValue` hides after this name. */
export function mayHide(name: string): boolean {
  return isSecretName(name) || isDoubtfulName(name);
}

/** Whether a name may mean a secret: see `hidesValue`. */
function isDoubtfulName(name: string): boolean {
  return name.length <= 200 && doubtfulName.test(wordsOf(name).join(' '));
}

/** Whether the value of a variable is a secret by its name. `PWD` and `OLDPWD` are the working directory: their path stands in most command lines. */
export function isSecretVariable(name: string, value: string): boolean {
  return isSecretName(name) && !isWorkingDirectory(name, value);
}

/** Whether a variable is the shell's working directory. */
export function isWorkingDirectory(name: string, value: string): boolean {
  return /^(?:OLD)?PWD$/.test(name) && /^(?:[\\/]|[A-Za-z]:[\\/])/.test(value);
}

/** Whether a field of this name holds a secret or a list of them: `token`, `apiKeys`, `tokens`; not `maxTokens`. */
export function isSecretField(name: string): boolean {
  return isSecretName(name) || (/s$/i.test(name) && isSecretName(name.slice(0, -1)) && !quantities.test(name));
}

/**
 * Tokens that are recognised by their shape alone: GitHub, GitLab, npm, PyPI, OpenAI, Anthropic, Slack, AWS, Google, Stripe, Hugging Face,
 * Supabase, Figma, Notion, Linear, Tavily, Brave, DigitalOcean, SendGrid, JSON web tokens, private keys, Grafana, Groq, xAI, Perplexity, Replicate, Shopify,
 * JSON in Base64 (`eyJ…`), hashes of passwords (`$2b$…`), Databricks, Vault, Tailscale, LangSmith, Atlassian, Postman, NVIDIA, Sentry, bots of Telegram.
 */
export const tokenShapes: RegExp = new RegExp(
  [
    'gh[pousr]_[A-Za-z0-9]{16,}',
    'github_pat_\\w{20,}',
    'gl(?:pat|dt|rt|cbt|ptt|ft|soat)-[\\w-]{16,}',
    'npm_[A-Za-z0-9]{20,}',
    'pypi-[\\w-]{16,}',
    'sk-[\\w-]{16,}',
    '[sprk]k_(?:live|test)_\\w{10,}',
    'whsec_[\\w+/=]{16,}',
    'xox[a-z]-[\\w-]{10,}',
    'xapp-[\\w-]{10,}',
    '(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}',
    'AIza[\\w-]{30,}',
    'ya29\\.[\\w-]{20,}',
    'hf_[A-Za-z0-9]{20,}',
    'sb[ps]_\\w{20,}',
    'figd_[\\w-]{20,}',
    '(?:ntn|secret)_[A-Za-z0-9]{30,}',
    'lin_(?:api|oauth)_\\w{20,}',
    'tvly-[\\w-]{16,}',
    'BSA[\\w-]{24,}',
    'do[opr]_v1_\\w{20,}',
    'SG\\.[\\w-]{16,}\\.[\\w-]{16,}',
    'eyJ[\\w-]{8,}\\.[\\w-]{4,}(?:\\.[\\w-]*)?',
    '(?:eyJ|ewog|ew0K|W3si)[\\w+/-]{20,}={0,2}',
    '\\$(?:apr1|2[abxy]|[156y]|argon2\\w{1,2}|scrypt|pbkdf2[\\w-]{0,10})\\$[\\w./,=+$%-]{8,}',
    'AGE-SECRET-KEY-1\\w{8,}',
    'gl(?:sa|c)_[\\w+/=]{20,}',
    'gsk_\\w{20,}',
    'xai-\\w{20,}',
    'pplx-\\w{20,}',
    'r8_\\w{20,}',
    'shp(?:at|ca|pa|ss)_\\w{16,}',
    'dapi[0-9a-f]{30,}',
    'hv[sbr]\\.[\\w-]{20,}',
    'tskey-[\\w-]{16,}',
    'lsv2_\\w{20,}',
    'ATATT3[\\w=-]{20,}',
    'PMAK-[\\w-]{20,}',
    'nvapi-[\\w-]{20,}',
    'sntry[su]_[\\w+/=-]{20,}',
    '\\d{8,10}:AA[\\w-]{30,}',
  ]
    .map((shape) => `(?<![A-Za-z0-9])${shape}`)
    .join('|'),
  'g',
);

/** Common words, which are not secrets even where a secret is expected. */
const emptyWords =
  /^(|true|false|null|none|undefined|yes|no|on|off|auto|default|stdio|https?|sse|ws|debug|info|warn|warning|error|trace|silent|node|npx|python3?|production|development|test|localhost|basic|bearer|oauth2?|token|\*+)$/i;

/** Whether a value only refers to a variable or an input (`${input:key}`, `$KEY`, `%KEY%`, `{env:KEY}`). */
export function isReference(value: string): boolean {
  // `${KEY:-S}` holds what is used where there is no such variable.
  return /^(?:Bearer\s+|Basic\s+)?(?:\$\{(?![^{}]*:[-=][^{}])[^{}]*\}|\$\w+|%\w+%|\{(?:env|file):[^{}]*\})$/i.test(value.trim());
}

/** Whether a value is too short (below 4 characters) or too common (`true`, `stdio`) to be replaced everywhere. */
export function isEmptyWord(value: string): boolean {
  return value.length < 4 || emptyWords.test(value);
}

/**
 * Whether the value of a variable without a secret's name counts as no secret: paths, numbers, versions, host names, addresses without credentials, words of
 * letters. Replacing such values everywhere would make most texts unreadable (`PROJECT=chromadb`, `ROOT=/home/me`). No value of more than 4,096 characters is
 * ordinary: the expressions here overflow the stack on values of millions.
 */
export function isOrdinaryValue(value: string): boolean {
  if (value.length > 4_096) {
    return false;
  }
  const text = value.trim();
  return (
    isEmptyWord(text) ||
    isReference(text) ||
    /^v?\d[\d.,:_-]{0,15}$/.test(text) ||
    /^[A-Za-z]{1,20}(?:[-_./, ][A-Za-z]{1,20})*$/.test(text) ||
    /^@?[a-z][a-z-]{0,40}\d{0,3}(?:[./@][a-z-]{1,40}\d{0,3})*$/.test(text) ||
    /^(?:~|\.{1,2}|[A-Za-z]:)?[\\/][\p{L}\p{N} ._@()\\/-]*$/u.test(text) ||
    /^[a-z][a-z\d+.-]*:\/\/[\w.-]+(?::\d+)?(?:\/[\w.-]{0,19})*\/?$/i.test(text) ||
    /^[\w.-]+:\d+$/.test(text)
  );
}

/**
 * Whether the value of an option of one letter looks like a secret (`-pS3cretWord`, `-k a1B2c3D4e5`): a word of letters and digits that is no name, version or
 * port. After other letters than `p` only where letters and digits alternate more than in names of models and systems.
 */
export function isLetterSecret(letter: string, value: string): boolean {
  if (!/^[\w=~%+!?*^$-]{6,200}$/.test(value) || isReference(value) || !/\d/.test(value) || !/[A-Za-z]/.test(value)) {
    return false;
  }
  return hasManyTurns(value) || (/p/i.test(letter) && !isOrdinaryValue(value));
}

/** A part of a name with a number (`work-2024`, `mcpServers2`, `SHA256-RSA2048`). */
const numberedPart = /^(?:[A-Za-z]{1,20}\d{0,4}|v?\d{0,4})$/;
const packageVersion = /^@?[\w./-]{1,100}@v?\d+\.\d[\w.+-]{0,40}$/;
/** A number, a date, a quantity. */
const plainNumber = /^[\d.:T+-]{1,40}[A-Za-z%]{0,5}$/;

/**
 * Whether the word after a name looks like a secret: of letters and digits, and no version, date or quantity. A name with a number counts only after names of
 * passwords (`password Summer2024`, not `session work-2024`).
 */
export function isSecretWord(name: string, value: string): boolean {
  const word = value.slice(0, 4_097).replace(/[.!?:,;…]{1,3}$/, '');
  const isName = !/pass|pwd|secret/i.test(name) && !hasManyTurns(word) && word.split(/[-_./:]/).every((part) => numberedPart.test(part));
  return (
    word.length >= 6 &&
    /\d/.test(word) &&
    /[A-Za-z]/.test(word) &&
    !isName &&
    !packageVersion.test(word) &&
    !plainNumber.test(word) &&
    !isReference(word) &&
    !isOrdinaryValue(word)
  );
}

/** Whether letters and digits alternate more than in words and versions: not in `v1beta2` and `x86_64-linux-gnu`. */
export function hasManyTurns(text: string): boolean {
  return text.length >= 10 && (text.match(/[A-Za-z](?=\d)|\d(?=[A-Za-z])/g)?.length ?? 0) >= 4;
}
