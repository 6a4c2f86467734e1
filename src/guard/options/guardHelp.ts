import { type HelpSection, optionSection, renderHelp } from '../../base/optionHelp.ts';
import type { OptionTable } from '../../base/optionTable.ts';

/**
 * The page of `mcp-shepherd guard --help`; docs/guard.md says more. Loaded only for that page, so it imports nothing that the guard loads before the server.
 * @param width columns
 */
export function guardHelp(width: number, options: OptionTable, stale: HelpSection): string {
  return renderHelp(
    {
      usage: ['mcp-shepherd guard [OPTIONS] -- COMMAND [ARGUMENTS]', 'mcp-shepherd guard --http …   (see guard --http --help)'],
      paragraphs: [
        'Starts an MCP server and passes the messages between it and its client unchanged. The server can be restarted without the client noticing.',
      ],
      sections: [
        optionSection('Options', options),
        stale,
        {
          title: 'Signals',
          items: [
            ['SIGUSR2', 'restarts the server'],
            ['SIGHUP, SIGINT, SIGTERM', 'are passed on to the server and end it'],
          ],
        },
        {
          title: 'Exit codes',
          items: [
            ['2', 'usage error'],
            ['75', 'another server uses the resource'],
            ['other', 'the exit code of the server'],
          ],
        },
      ],
    },
    width,
  );
}
