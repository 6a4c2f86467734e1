/** What of a pip configuration says where packages come from. Values of lists are separated by white space. */
export interface PipConf {
  readonly indexUrl?: string;
  readonly extraIndexUrls: readonly string[];
  readonly noIndex: boolean;
  readonly proxy?: string;
  readonly cert?: string;
  readonly trustedHosts: readonly string[];
}

/** Sections that count for `pip install`, the strongest first (pip's documentation, "Configuration"). */
const sections = ['install', 'global'];

/** Reads a `pip.conf`: an INI file whose values may go on in indented lines. Never throws. @returns values by `section.key` */
export function parsePipConf(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  let section = '';
  let open: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*([#;]|$)/.test(line)) {
      continue;
    }
    const heading = /^\[([^\]]*)\]/.exec(line)?.[1];
    const pair = /^([^\s=:][^=:]*?)\s*[=:]\s*(.*?)\s*$/.exec(line);
    if (heading !== undefined) {
      section = heading.trim();
      open = undefined;
    } else if (/^\s/.test(line) && open !== undefined) {
      values.set(open, `${values.get(open) ?? ''} ${line.trim()}`.trim());
    } else if (pair) {
      open = `${section}.${(pair[1] ?? '').toLowerCase().replaceAll('_', '-')}`;
      values.set(open, pair[2] ?? '');
    }
  }
  return values;
}

/**
 * Joins pip's variables with its files.
 *
 * @param env `PIP_*` variables count above all files
 * @param files from the weakest to the strongest
 */
export function joinPipConf(env: Readonly<Record<string, string | undefined>>, files: readonly ReadonlyMap<string, string>[]): PipConf {
  const get = (key: string): string | undefined => {
    const variable = env[`PIP_${key.toUpperCase().replaceAll('-', '_')}`];
    if (variable !== undefined && variable !== '') {
      return variable;
    }
    // pip puts `install` above `global` whatever file it stands in.
    for (const section of sections) {
      const value = files.findLast((file) => file.has(`${section}.${key}`))?.get(`${section}.${key}`);
      if (value !== undefined) {
        return value;
      }
    }
    return undefined;
  };
  const list = (key: string): string[] => (get(key) ?? '').split(/\s+/).filter((word) => word !== '');
  const [indexUrl, proxy, cert] = [get('index-url'), get('proxy'), get('cert')];
  return {
    ...(indexUrl ? { indexUrl } : {}),
    extraIndexUrls: list('extra-index-url'),
    noIndex: /^(1|true|yes|on)$/i.test(get('no-index') ?? ''),
    ...(proxy ? { proxy } : {}),
    ...(cert ? { cert } : {}),
    trustedHosts: list('trusted-host'),
  };
}
