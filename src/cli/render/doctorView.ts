import { quotedText } from '../../base/singleLine.ts';
import { counted } from '../../presentation/quantities.ts';
import type { DoctorReport, SearchedFile } from '../session/doctorReport.ts';
import { createPaint, type Tone } from './paint.ts';
import { renderProblems, type ViewOptions } from './statusView.ts';
import { clip, pad, terminalText, wrap } from './text.ts';

const labelWidth = 20;

/** The places that were searched, for a user who misses a server. Ends in a line break. @param everything also files that do not exist, clients without any, and remarks about entries that work */
export function renderDoctor(report: DoctorReport, options: ViewOptions & { readonly everything?: boolean }): string {
  const paint = createPaint(options.color);
  /** A label and what belongs to it, wrapped beside it. */
  const fact = (label: string, text: string, tone: Tone = 'plain'): string[] =>
    wrap(terminalText(text), options.width - labelWidth).map(
      (line, index) => pad(index === 0 ? `  ${clip(label, labelWidth - 3)}` : '', labelWidth) + paint(tone, line),
    );
  const section = (title: string, lines: readonly string[]): string[] => (lines.length === 0 ? [] : ['', paint('strong', title), ...lines]);
  const { processes, runFolder } = report;
  const isUsed = (client: DoctorReport['clients'][number]): boolean =>
    client.present ||
    client.entries + client.servers > 0 ||
    report.files.some(({ state, clients }) => state !== 'absent' && clients.includes(client.name));
  const clients = options.everything ? report.clients : report.clients.filter(isUsed);
  const files = options.everything ? report.files : report.files.filter(({ state }) => state !== 'absent');
  const health = options.everything ? report.health : report.health.filter(({ level }) => level === 'warning');
  const fixable = new Set(report.health.flatMap(({ fix, definition }) => (fix ? [definition] : []))).size;
  const unlisted = (count: number, one: string, many: string): string[] =>
    count === 0 ? [] : wrap(`${counted(count, one, many)}: -v lists them`, options.width - 2).map((line) => `  ${paint('dim', line)}`);
  const lines = [
    paint('strong', `MCP Shepherd ${report.version}`),
    ...fact('Node', `${report.node.version} (${report.node.path})`),
    ...fact('System', report.platform),
    ...fact('Home', report.home),
    ...fact(
      'State folder',
      `${runFolder.path}${runFolder.movedBy ? `, from ${runFolder.movedBy}` : ''}${runFolder.exists ? '' : ' (does not exist)'}`,
    ),
    ...fact('Processes', `${counted(processes.count, 'process', 'processes')}, from ${processes.source}`),
    ...fact(
      'Boot id',
      processes.bootIdKnown ? 'known' : 'unknown: records of processes are lost when the system restarts',
      processes.bootIdKnown ? 'plain' : 'warning',
    ),
    ...(report.folders.length === 0
      ? fact('Project folders', 'none')
      : report.folders.flatMap((folder, index) => fact(index === 0 ? 'Project folders' : '', folder))),
    ...section('Clients', [
      ...clients.flatMap((client) =>
        fact(terminalText(client.name), clientText(client, report.files), client.entries + client.servers === 0 ? 'dim' : 'plain'),
      ),
      ...unlisted(report.clients.length - clients.length, 'client is not on this machine', 'clients are not on this machine'),
    ]),
    ...section('Configuration files', [
      ...byState(files).flatMap((file) =>
        fact(file.state, fileText(file), file.state === 'absent' ? 'dim' : file.state === 'found' ? 'plain' : 'warning'),
      ),
      ...unlisted(report.files.length - files.length, 'file does not exist', 'files do not exist'),
    ]),
    ...section(
      'Unknown',
      report.unknown.flatMap(({ name, pid, reason }) => fact(`PID ${pid}`, `${name}: ${reason}`)),
    ),
    ...section(
      'Other programs with a lock',
      report.otherHolders.flatMap(({ pid, program, record }) =>
        fact(
          `PID ${pid}`,
          `${program} (${quotedText(record.serverId)}): ${record.locks.map(({ resource }) => resource).join(', ') || 'no resource named'}`,
        ),
      ),
    ),
    ...section('Entries', [
      ...health.flatMap(({ level, file, line, message }) =>
        remark(level === 'warning' ? paint('warning', '!') : paint('dim', '·'), `${file}:${line}: ${message}`, options.width),
      ),
      ...unlisted(report.health.length - health.length, 'remark about an entry that works', 'remarks about entries that work'),
      ...(fixable === 0
        ? []
        : remark(' ', `${counted(fixable, 'entry', 'entries')} can be corrected: mcp-shepherd doctor --fix`, options.width)),
    ]),
    ...renderProblems(report.problems, options.width, paint),
  ];
  return `${lines.join('\n')}\n`;
}

/** A sign and a text, wrapped beside it. */
function remark(sign: string, text: string, width: number): string[] {
  const [first = '', ...rest] = wrap(terminalText(text), width - 4);
  return [`${sign} ${first}`, ...rest.map((line) => `    ${line}`)];
}

function clientText({ name, present, entries, servers }: DoctorReport['clients'][number], files: readonly SearchedFile[]): string {
  const broken = files.filter(({ state, clients }) => state === 'broken' && clients.includes(name)).length;
  const found = entries + servers > 0 && `${counted(entries, 'entry', 'entries')}, ${counted(servers, 'server')} running`;
  return (
    [found, broken > 0 && counted(broken, 'broken file')].filter(Boolean).join(', ') ||
    (present ? 'no servers configured' : 'not on this machine')
  );
}

function byState(files: readonly SearchedFile[]): SearchedFile[] {
  const rank = { broken: 0, hidden: 1, found: 2, absent: 3 } as const;
  return [...files].sort((a, b) => rank[a.state] - rank[b.state]);
}

function fileText(file: SearchedFile): string {
  const clients = file.clients.join(', ');
  if (file.state === 'absent') {
    return clients === '' ? file.file : `${file.file} (${clients})`;
  }
  if (file.state === 'hidden') {
    return `${file.file} (its folder cannot be read)`;
  }
  const whose = clients === '' ? '' : ` for ${clients}`;
  const what = file.entries === 0 ? 'no servers' : `${counted(file.entries, 'entry', 'entries')}${whose}`;
  return file.state === 'found' ? `${file.file} (${what})` : `${file.file}${file.entries === 0 ? '' : ` (${what} could be read)`}`;
}
