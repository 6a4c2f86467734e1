// Where `src` may touch the world outside: open files, start and end processes, write to a terminal, show Markdown, answer a model. Checked by imports.ts.
// Each boundary has its modules, which do it with the rules that SECURITY.md promises, and its exceptions, each with its reason.
import type { SourceFile } from './imports.ts';

interface Boundary {
  /** What other modules must not do, as the end of a sentence about a file. */
  readonly what: string;
  /** What they do instead. */
  readonly instead: string;
  /** @param text the whole file without comments @param code the same without the contents of strings, with `x['name']` as `x.name` */
  readonly crosses: (text: string, code: string, path: string) => boolean;
  /** Paths from `src`, and why each may. */
  readonly allowed: Readonly<Record<string, string>>;
}

/** Functions of node:fs that open, read, write or copy a file by its path. */
const openers =
  /^(?:promises|DatabaseSync|open|openSync|openAsBlob|readFile|readFileSync|createReadStream|createWriteStream|writeFile|writeFileSync|appendFile|appendFileSync|cp|cpSync|copyFile|copyFileSync|truncate|truncateSync)$/;
const fileModules = /^(?:(?:node:)?fs(?:\/promises)?|node:sqlite)$/;
const programModules = /^(?:cross-spawn|(?:node:)?(?:child_process|worker_threads|cluster|vm))$/;

/** Every import of values: its module and its clause. Clauses of `import()` and of `require`, however the latter is called, are empty. */
function imported(text: string): { readonly from: string; readonly clause: string | undefined }[] {
  return [
    ...[...text.matchAll(/^(?:import|export)\s+(?!type\b)([^;'"]*?)\bfrom\s+['"]([^'"]+)['"]/gm)].map(([, clause = '', from = '']) => ({
      from,
      clause,
    })),
    ...[...text.matchAll(/[\w)\]]\s*\(\s*['"`]([\w:/-]+)['"`]\s*\)/g)].map(([, from = '']) => ({ from, clause: undefined })),
  ];
}

/** The names of a clause in braces; undefined when it takes the whole module. */
function namesOf(clause: string): string[] | undefined {
  return /^\{([^}]*)\}\s*$/
    .exec(clause.trim())?.[1]
    ?.split(',')
    .map((name) => name.trim().split(/\s/))
    .flatMap(([first = '']) => (first === '' || first === 'type' ? [] : [first]));
}

/** Whether a file takes a function of one of these modules by a name that fits, or a whole module. */
function takes(text: string, modules: RegExp, names: RegExp): boolean {
  return imported(text).some(({ from, clause }) => modules.test(from) && (namesOf(clause ?? '')?.some((name) => names.test(name)) ?? true));
}

function startsPrograms(text: string, code: string): boolean {
  const runsText =
    /\beval\s*\(|\bnew\s+Function\b|\bimport\(\s*[^\s'"`]|\brequire\(\s*[^\s'"`)]|\bcreateRequire\b|\bprocess\.(?:binding|dlopen|execve)\b/.test(
      code,
    );
  const asksEditor = /\bcreateTerminal\b|\bsendText\b|\b(?:Shell|Process|Custom)Execution\b|\bexecuteTask\b/.test(code);
  return (
    runsText ||
    asksEditor ||
    imported(text).some(({ from, clause }) => programModules.test(from) && (clause === undefined || namesOf(clause)?.length !== 0))
  );
}

/** The text between an opening parenthesis, which stands before `from`, and its partner. */
function argumentAt(code: string, from: number): string {
  let depth = 1;
  for (let at = from; at < code.length; at += 1) {
    depth += '([{'.includes(code[at] ?? '') ? 1 : ')]}'.includes(code[at] ?? '') ? -1 : 0;
    if (depth === 0) {
      return code.slice(from, at);
    }
  }
  return code.slice(from);
}

/** Whether a file takes the streams of the process by whatever name, or writes to their numbers. */
function takesStreams(text: string, code: string): boolean {
  const names = imported(text).flatMap(({ from, clause }) => (/^(?:node:)?process$/.test(from) ? (namesOf(clause ?? '') ?? []) : []));
  return (
    /\bprocess\??\.(?:std(?:out|err)|emitWarning)\b|\bconsole\s*[.[]|\bwriteSync\(\s*[12]\s*,/.test(code) ||
    /\{[^{}]*\bstd(?:out|err)\b[^{}]*\}\s*=\s*process\b|=\s*(?:globalThis\.)?console\b/.test(code) ||
    names.some((name) => /^std(?:out|err)$/.test(name)) ||
    takes(text, /^(?:node:)?console$/, /./) ||
    takes(text, /^(?:node:)?util$/, /^debug(?:log)?$/)
  );
}

/** A stream under another name, fed by another stream, or written to without a call that `writesUnshown` can read. */
const hiddenWrite =
  /\bstd(?:out|err)\b[)\s]*\??\.\s*(?:end\b|write(?!\())|\b(?:pipe|pipeline)\([^)]*\bstd(?:out|err)\b|[^=!<>]=\s*[\w.?]+\.std(?:out|err)\s*[;\n]/;

/** Whether a text of others can reach the terminal as it is: what is written is neither a view, nor a text whose insertions all pass `terminalText`. */
function writesUnshown(_: string, code: string, path: string): boolean {
  return (
    /^(?:cli|guard)\//.test(path) &&
    (hiddenWrite.test(code) ||
      [...code.matchAll(/\bstd(?:out|err)[)\s]*\??\.\s*write\(/g)].some((match) => {
        const written = argumentAt(code, match.index + match[0].length).trim();
        const isView =
          /^(?:'|(?:jsonText|render[A-Z]\w*|outcomeLines|guardHelp|httpGuardHelp)\()/.test(written) ||
          /\?\s*jsonText\(.*:\s*render[A-Z]\w*\(/s.test(written);
        const isShown =
          written.startsWith('`') && [...written.matchAll(/\$\{/g)].every(({ index }) => written.startsWith('${terminalText(', index));
        return !isView && !isShown;
      }))
  );
}

/** In the order of SECURITY.md. */
export const boundaries: Readonly<
  Record<'files' | 'folders' | 'network' | 'credentials' | 'programs' | 'signals' | 'streams' | 'terminal' | 'editor' | 'model', Boundary>
> = {
  files: {
    what: 'opens a file',
    instead: 'read with storage/boundedFile.ts, our own state with storage/atomicFile.ts, /proc with process/linux/procFs.ts',
    crosses: (text, code) => takes(text, fileModules, openers) || /\bworkspace\.fs\b|\bloadEnvFile\b/.test(code),
    allowed: {
      'storage/boundedFile.ts': 'the boundary for files of others: regular, bounded, never waiting',
      'storage/atomicFile.ts': 'the boundary for our own state: no links, our owner, bounded; written by rename',
      'storage/guardLog.ts': 'a log grows: appends to a file of our own, never through a link',
      'process/linux/procFs.ts': 'the boundary for /proc: bounded',
      'storage/privateFolder.ts': 'the users that this namespace knows, as the kernel writes them; storage is below process',
      'guard/process/serverProcess.ts':
        'stat of the processes of its own server, as the kernel writes it; the guard starts without procFs.ts',
      'guard/process/watchdog.ts': 'the same, of the guard itself and its server',
      'config/discovery/readConfigFile.ts': 'client files, with the same rules, but asynchronously: a home may be on a slow network',
      'action/execute/historyFile.ts': 'the history: no links, our owner, bounded; lines are appended',
      'action/protect/editableFile.ts': 'writes the client file that the user confirmed, under a new name, exclusively, then by rename',
      'action/upgrade/keptFiles.ts':
        'puts back the manifest and lock files of an upgrade that the user confirmed, under a new name, exclusively, then by rename',
      'action/protect/launcher.ts': 'copies the product’s own programs into the private folder',
      'action/protect/protectChange.ts': 'writes backups into the private folder',
      'action/ensure/startDetachedServer.ts': 'creates the log of a server in the private folder',
      'lock/kernelLock.ts': 'opens lock files: no links, our owner; reads nothing',
      'base/random.ts': 'the kernel’s random device, checked to be a device',
      'relay/hostFolder.ts':
        'the secret of the host: no links, our owner, closed to others; and the mark that a host is being started, exclusively',
    },
  },
  folders: {
    what: 'makes a folder',
    instead: 'use storage/privateFolder.ts',
    crosses: (text) => takes(text, fileModules, /^mkd/),
    allowed: {
      'storage/privateFolder.ts': 'the boundary: our owner, no links, closed to others',
      'lock/control/controlPath.ts': 'a short folder for a socket, checked by storage/privateFolder.ts',
      'action/protect/launcher.ts': 'folders of pieces below the private folder',
    },
  },
  network: {
    what: 'connects to another program',
    instead: 'ask registries with registry/httpGet.ts, by a target of registry/credentialScope.ts',
    crosses: (text, code) =>
      /\bfetch\b|\bnew\s+(?:WebSocket|EventSource)\b/.test(code) ||
      takes(text, /^(?:node:)?dns(?:\/promises)?$/, /./) ||
      takes(text, /^(?:node:)?(?:http|https|http2|net|tls|dgram)$/, /^(?:request|get|connect|createConnection|createSocket|Socket|Agent)$/),
    allowed: {
      'registry/httpGet.ts': 'the boundary: registries, with the credentials of a target only',
      'survey/ports/health.ts': 'GET /health at a loopback port that an entry names',
      'action/execute/shutdownRequest.ts': '/shutdown where a record or a file that the user confirmed declares it',
      'action/execute/opencode.ts': 'the HTTP server of OpenCode, on loopback',
      'lock/control/controlClient.ts': 'the control socket of a guard, which proves the secret of its own folder',
      'guard/http/transport/upstream.ts': 'the server behind the guard',
      'guard/http/transport/reachable.ts': 'whether that server accepts connections',
      'relay/hostFolder.ts': 'the socket of the host, in a folder of this user alone',
      'host/runHost.ts': 'the connection that a relay gives to its own host',
      'host/succession.ts': 'the host of another version, by its secret',
    },
  },
  credentials: {
    what: 'says that a registry may get a credential',
    instead: 'make targets with registry/credentialScope.ts',
    crosses: (_, code) => /\bas\s+(?:ScopedAuthorization|IndexTarget)\b|<ScopedAuthorization>|\bas\s+never\s*[;,)}]/.test(code),
    allowed: {
      'registry/credentialScope.ts': 'the boundary: by the way that the user and the file of the credential decide, and no other',
    },
  },
  programs: {
    what: 'starts a program, or runs a text as code',
    instead: 'use base/runProgram.ts',
    crosses: startsPrograms,
    allowed: {
      'base/runProgram.ts': 'the boundary: helpers of the system, without a shell, with a time limit',
      'guard/process/serverProcess.ts': 'the command of the client’s entry, which started the guard',
      'guard/process/watchdog.ts': '/bin/sh with a script of ours; PIDs arrive as its input',
      'host/hostWatchdog.ts': 'the same',
      'guard/stdio/memoryUse.ts': 'a constant: V8’s own garbage collection',
      'lock/flockHelper.ts': 'flock and perl from the folders of the system, with a script of ours',
      'action/ensure/startDetachedServer.ts': 'the command that the user confirmed',
      'relay/relayServer.ts': 'the command of the client’s entry, which started the relay',
      'relay/hostFolder.ts': 'the host, which is this program',
      'host/share/sharedServer.ts': 'the command of the clients’ entries, which started their relays',
      'host/succession.ts': 'the host of the programs that the launcher starts now',
      'action/upgrade/runInstaller.ts': 'the package manager’s command that the user confirmed, and the way back from it',
      'action/protect/launcher.ts': 'tries the launcher that it has just written',
      'guard/http/server/replaceByEnsure.ts': 'our own command line beside the guard',
      'extension/commands/upgradeCommands.ts':
        'the package manager’s command that the user confirmed, as words, in a terminal of the editor',
      'base/random.ts': 'a module of Node, by its constant name, where it is needed',
      'cli/main.ts': 'our own guard beside the command line',
      'guard/main.ts': 'our own programs beside the guard',
    },
  },
  signals: {
    what: 'signals a process',
    instead: 'use process/terminateTree.ts',
    crosses: (text, code) => /\bkill\b/.test(code) || /\[\s*['"`]kill['"`]\s*\]/.test(text),
    allowed: {
      'process/terminateTree.ts': 'the boundary: identity, owner and parentage are checked before each signal',
      'guard/process/serverProcess.ts': 'the group of the server that the guard started, and signal 0 to ask whether members are left',
      'guard/process/watchdog.ts': 'its own shell; the shell ends what the guard started',
      'guard/process/ancestors.ts': 'signal 0: asks whether the client of the guard lives',
      'guard/stdio/stdioGuard.ts': 'itself, to end by the signal that ended its server',
      'relay/runRelay.ts': 'the same',
      'relay/relayServer.ts': 'the group of the server that the relay started',
      'host/remoteServer.ts': 'the group of a server whose relay was killed; its start is compared before each signal',
      'host/share/sharedServer.ts': 'the group of the server that the host started',
      'cli/terminal.ts': 'itself, by Ctrl-C while it asks',
      'lock/flockHelper.ts': 'its own helper, when it does not answer',
    },
  },
  streams: {
    what: 'takes the standard streams of the process',
    instead: 'the command line writes through its Shell, the guard with say()',
    crosses: takesStreams,
    allowed: {
      'cli/main.ts': 'gives the streams to the Shell',
      'guard/main.ts': 'its own message, where the guard cannot be loaded',
      'guard/runGuard.ts': 'the help, and the message about a wrong option',
      'guard/message/ownAnswers.ts': 'the boundary of the guard: one line of standard error, without control characters',
      'guard/http/runHttpGuard.ts': 'the help, and the same for the guard over HTTP',
      'guard/http/server/ownProcess.ts': 'passes the server’s output on, as the client would see it without the guard',
      'guard/relay/serverLink.ts': 'the output of the server, a field of the same name',
      'guard/stdio/stdioGuard.ts': 'listens for errors of the streams',
      'guard/process/guardPlace.ts': 'the protocol with the client',
      'relay/clientOutput.ts': 'the same',
      'relay/relaySession.ts': 'the same, and the log of the guard',
      'host/runHost.ts': 'lines of the guard’s log; the host has no standard error unless it is debugged',
      'host/relayConnection.ts': 'the same',
    },
  },
  terminal: {
    what: 'writes to the terminal what no view has made harmless',
    instead: 'put every text of others into terminalText(), or write a view of cli/render or jsonText()',
    crosses: writesUnshown,
    allowed: {
      'cli/main.ts': 'an error of the product itself, when it cannot be loaded',
      'cli/runCommandLine.ts': 'version and help, which are ours, and errors, made harmless line by line',
      'cli/commands/ensure.ts': 'lines that are each made harmless where the list is built',
      'cli/commands/protect.ts': 'passes on views',
      'cli/commands/watch.ts': 'passes on lines of cli/render/changes.ts',
      'guard/main.ts': 'an error of the product itself, when it cannot be loaded',
      'guard/message/ownAnswers.ts': 'the guard’s log, one line each, and what the server wrote to standard error',
      'guard/http/server/ownProcess.ts': 'what the server wrote to standard output',
      'cli/session/confirmLaunch.ts': 'names of variables, each made harmless where the list is built',
    },
  },
  editor: {
    what: 'shows messages, pages, or text that VS Code reads as Markdown',
    instead: 'use tell() of extension/messages.ts, and the tooltips of extension/views',
    crosses: (_, code) =>
      /\bshow(?:Information|Warning|Error)Message\b|\bMarkdownString\b|\bProgressLocation\.(?:Notification|Window)\b|\b(?:create|[Ww])[Ww]?ebview(?:Panel|View)?\b|\b(?:show|create)InputBox\b|\bopenExternal\b/.test(
        code,
      ),
    allowed: {
      'extension/messages.ts': 'the boundary for notifications: links are taken apart; for work in the status bar: icons too',
      'extension/commands/agentToolCommands.ts': 'the question before a restart, in which every character is literal',
      'extension/views/serverTree.ts': 'the tooltip, made by display/instanceTooltip.ts from escaped texts; no command, no icon',
      'extension/views/detailsPanel.ts':
        'the page of a server, made by display/details/detailsHtml.ts from escaped texts, without network; runs only its own buttons',
      'extension/views/statusBar.ts': 'the tooltip, made by display/statusModel.ts from escaped texts; the commands of our own list',
      'extension/commands/otherOwnerCommands.ts': 'a modal dialog, which shows plain text; in the progress, names without links',
      'extension/commands/upgradeCommands.ts': 'a modal dialog, which shows plain text',
      'extension/commands/fixCommands.ts': 'a modal dialog, which shows plain text; names as one line',
    },
  },
  model: {
    what: 'makes an answer that a model reads',
    instead: 'use failedTool() of guard/message/ownAnswers.ts, and quotedText() for every text of a record',
    crosses: (text, code) => /\btype(?:: ['"]text['"]| = 'text')/.test(text) || /\bLanguageModel(?:TextPart|ToolResult)\b/.test(code),
    allowed: {
      'guard/message/ownAnswers.ts': 'the boundary: the answers of the guard to a refused call',
      'extension/commands/agentToolCommands.ts': 'the same JSON, for the chat of VS Code',
      'mcp/serveMcp.ts': 'the JSON of mcp/agentAnswers.ts, where every text of others passes quotedText(), and our own words',
      'guard/stale/staleRefusal.ts': 'names and versions of a fixed shape, and our own words',
      'guard/stale/updateNote.ts': 'a name and versions of a fixed shape, and our own words',
    },
  },
};

/** A comment, a string, a regular expression (after what cannot end a value), or one character. */
const token =
  /\/\*[\s\S]*?\*\/|\/\/.*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|(?<=(?:[(,=:[!&|?{};>]|\breturn|^)\s*)\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*|[\s\S]/gmy;

/** The text without comments. */
function withoutComments(text: string): string {
  return stripped(text, true);
}

/** The code without comments, with strings, regular expressions and the fixed parts of templates emptied; what templates insert stays. `x['name']` becomes `x.name`. */
export function codeOf(text: string): string {
  return stripped(text, false);
}

function stripped(text: string, keepsStrings: boolean): string {
  let code = '';
  token.lastIndex = 0;
  /** For each open template: the depth of braces in its present insertion; 0 = in its fixed part. */
  const templates: number[] = [];
  while (token.lastIndex < text.length) {
    const depth = templates.at(-1);
    if (depth === 0) {
      const fixed = /(?:\\[\s\S]|[^\\`$]|\$(?!\{))*(`|\$\{)/y;
      fixed.lastIndex = token.lastIndex;
      const [all = '', end = '`'] = fixed.exec(text) ?? [];
      token.lastIndex = fixed.lastIndex || text.length;
      code += keepsStrings ? all : end;
      templates.splice(-1, 1, ...(end === '`' ? [] : [1]));
      continue;
    }
    const part = token.exec(text)?.[0] ?? ' ';
    if (part === '`') {
      templates.push(0);
    } else if (depth !== undefined && (part === '{' || part === '}')) {
      templates.splice(-1, 1, depth + (part === '{' ? 1 : -1));
    }
    const member = keepsStrings ? undefined : /^['"]([A-Za-z_$][\w$]*)['"]$/.exec(part)?.[1];
    if (member !== undefined && /[\w)\]](?:\?\.)?\s*\[\s*$/.test(code) && text[token.lastIndex] === ']') {
      code = `${code.replace(/(?:\?\.)?\s*\[\s*$/, '')}.${member}`;
      token.lastIndex += 1;
    } else if (part.length > 1 && /^\/[*/]/.test(part)) {
      code += ' ';
    } else {
      code += part.length === 1 || keepsStrings ? part : part.startsWith('/') ? '/./' : "''";
    }
  }
  return code;
}

/** What crosses a boundary in another place than those listed, a sentence each. */
export function boundaryFaults(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const code = codeOf(text);
    const whole = withoutComments(text);
    return Object.values(boundaries)
      .filter(({ crosses, allowed }) => !(path in allowed) && crosses(whole, code, path))
      .map(({ what, instead }) => `src/${path} ${what}: ${instead}.`);
  });
}

/** Exceptions that no file needs any more. @param files all of `src` */
export function idleExceptions(files: readonly SourceFile[]): string[] {
  return Object.entries(boundaries).flatMap(([name, { crosses, allowed }]) =>
    Object.keys(allowed)
      .filter((path) => !files.some((file) => file.path === path && crosses(withoutComments(file.text), codeOf(file.text), path)))
      .map((path) => `scripts/boundaries.ts lists src/${path} under ${name}, which does not need it.`),
  );
}
