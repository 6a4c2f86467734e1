/** A list of arguments, with the program before it where that is not the first argument. */
export interface PlacedArguments {
  readonly list: readonly string[];
  /** At which index each program with secrets of its own stands first: -1 for the command before the list. Few lists have an option that these programs take. */
  readonly programs: () => ReadonlyMap<ProgramRule, number>;
}

/** What a program takes as a secret that nothing in the name of its option tells. */
interface ProgramRule {
  /** The name of its file, without folder and `.exe`. */
  readonly program: RegExp;
  /** The word after these options is a secret. */
  readonly next?: RegExp;
  /** What is attached to these options is a secret. */
  readonly glued?: RegExp;
  /** Only after this word: `docker login -p S`, not `docker run -p 80:80`. */
  readonly after?: RegExp;
  /** A word is a secret from the place on where its first group ends. */
  readonly word?: RegExp;
}

const rules: readonly ProgramRule[] = [
  { program: /^(?:mysql|mariadb|mycli|mysqlsh)/i, glued: /^-p/ },
  { program: /^sshpass$/i, next: /^-p$/, glued: /^-p/ },
  { program: /^(?:mongo|mongosh|mongodump|mongorestore|mongoexport|mongoimport|cqlsh)$/i, next: /^-p$/, glued: /^-p/ },
  { program: /^(?:redis-cli|valkey-cli|keydb-cli|iredis)$/i, next: /^-a$/, glued: /^-a/ },
  { program: /^(?:ldapsearch|ldapmodify|ldapadd|ldapdelete|ldapwhoami)$/i, next: /^-w$/, glued: /^-w/ },
  { program: /^(?:sqlcmd|bcp|osql|tsql)$/i, next: /^-P$/, glued: /^-P/ },
  { program: /^(?:mosquitto_(?:sub|pub|rr)|ipmitool|zip|unzip|zipcloak)$/i, next: /^-P$/, glued: /^-P/ },
  { program: /^(?:7z|7za|7zr|7zz|rar|unrar)$/i, glued: /^-p/ },
  { program: /^(?:docker|podman|nerdctl|helm|skopeo|buildah|oras|az)$/i, next: /^-p$/, glued: /^-p/, after: /^login$/ },
  { program: /^vault$/i, after: /^login$/, word: /^()[^-=][^=]*$/ },
  { program: /^(?:doppler|influx)$/i, next: /^-t$/ },
  { program: /^snmp\w{1,12}$/i, next: /^-[cAX]$/ },
  { program: /^openssl$/i, next: /^-[kK]$/ },
  { program: /^[wx]freerdp$/i, glued: /^\/p:/ },
  { program: /ssh-mcp/i, next: /^-[wP]$/ },
  { program: /^lark-mcp$/i, next: /^-s$/ },
  { program: /^curl$/i, glued: /^-(?:b(?=[^\s=;]{1,200}=)|[uU](?=[^:\s]{1,200}:))/ },
  // `-b NAME=S` is a cookie, `-b FILE` names a file of cookies; `-E FILE:S` has the password of a certificate.
  { program: /^curl$/i, word: /^()[^\s=;/\\-][^\s=;]{0,200}=.+$/, after: /^-b$/ },
  { program: /^curl$/i, word: /^(.{1,4096}\.\w{2,5}:)./, after: /^(?:-E|--cert|--proxy-cert)$/ },
  { program: /^lftp$/i, word: /^([^,\s]{1,200},)./, after: /^-u$/ },
  { program: /^(?:sqlplus|rman|expdp|impdp|sqlldr)$/i, word: /^([\w$#]{1,100}\/)[^/\s]/ },
  { program: /^(?:sql|sqlcl)$/i, word: /^([\w$#]{1,100}\/)[^/\s@]+@/ },
];

/** Looks for programs once for each list. @param command the program, when it is not the first argument */
export function placedArguments(list: readonly string[], command: string | undefined): PlacedArguments {
  let found: ReadonlyMap<ProgramRule, number> | undefined;
  const programs = (): ReadonlyMap<ProgramRule, number> => {
    found ??= programsIn(list, command);
    return found;
  };
  return { list, programs };
}

/** The name of a program's file. A version after it counts to the name of a package: `@scope/ssh-mcp-server@1.2`. */
export function baseProgram(word: string): string {
  return word.startsWith('-')
    ? ''
    : (word.slice(-4_096).split(/[\\/]/).at(-1) ?? '').replace(/\.(?:exe|cmd)$/i, '').replace(/@[\w.^~-]*$/, '');
}

function programsIn(list: readonly string[], command: string | undefined): ReadonlyMap<ProgramRule, number> {
  const programs = new Map<ProgramRule, number>();
  const note = (word: string, index: number): void => {
    const name = baseProgram(word);
    for (const rule of name === '' ? [] : rules) {
      if (!programs.has(rule) && rule.program.test(name)) {
        programs.set(rule, index);
      }
    }
  };
  note(command ?? '', -1);
  list.forEach(note);
  return programs;
}

/** Options and words that the rules look at; most arguments are none. */
const mayHold = /^(?:-[A-Za-z]|\/p:|[^-].*[/=:,])/;

/** How many characters of an argument are shown where a program before it takes it, or its end, as a secret. */
export function shownOfProgram({ list, programs }: PlacedArguments, index: number): number | undefined {
  const arg = list[index] ?? '';
  const before = list[index - 1] ?? '';
  if (!mayHold.test(arg) && !/^-[A-Za-z]$|^login$/.test(before)) {
    return undefined;
  }
  for (const [rule, place] of programs()) {
    if (place >= index) {
      continue;
    }
    if (rule.word) {
      const [, shown] = (rule.after === undefined || rule.after.test(before)) && place < index ? (rule.word.exec(arg) ?? []) : [];
      if (shown !== undefined) {
        return shown.length;
      }
      continue;
    }
    if (rule.after && !list.slice(place + 1, place + 6).some((word) => rule.after?.test(word))) {
      continue;
    }
    if (rule.next?.test(before) && place < index - 1 && !/^--?[A-Za-z]/.test(arg)) {
      return 0;
    }
    const glued = rule.glued?.exec(arg)?.[0];
    if (glued !== undefined && arg.length > glued.length && !arg.startsWith('--')) {
      return glued.length;
    }
  }
  return undefined;
}
