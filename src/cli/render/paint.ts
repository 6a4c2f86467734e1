import { styleText } from 'node:util';

/** The meaning of a text; the colour follows from it. The words always say the same. */
export type Tone = 'plain' | 'strong' | 'good' | 'warning' | 'bad' | 'dim';

/** Colours a text. Widths are counted before, because colour codes take no columns. */
export type Paint = (tone: Tone, text: string) => string;

type Format = Parameters<typeof styleText>[0];

const formats: Readonly<Record<Exclude<Tone, 'plain'>, Format>> = {
  strong: 'bold',
  good: 'green',
  warning: 'yellow',
  bad: ['bold', 'red'],
  dim: 'dim',
};

/** @param color false = no text is changed */
export function createPaint(color: boolean): Paint {
  // Node 20 before 20.12 has no styleText.
  if (!color || typeof styleText !== 'function') {
    return (_tone, text) => text;
  }
  return (tone, text) => (tone === 'plain' || text === '' ? text : styleText(formats[tone], text, { validateStream: false }));
}

/**
 * Whether to colour: `--no-color` wins, then `FORCE_COLOR` (0 or false = no), then `NO_COLOR` (any text) and `TERM=dumb`, then whether it is a terminal.
 */
export function wantsColor(options: {
  readonly noColor: boolean;
  readonly isTty: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}): boolean {
  const { env } = options;
  if (options.noColor) {
    return false;
  }
  if (env.FORCE_COLOR !== undefined) {
    return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
  }
  return options.isTty && !env.NO_COLOR && env.TERM !== 'dumb';
}
