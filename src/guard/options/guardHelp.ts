import { optionSection, renderHelp } from '../../base/optionHelp.ts';
import { guardOptionTable } from './guardOptions.ts';
import { staleSection } from './sharedOptions.ts';

/** The page of `mcp-shepherd guard --help`; docs/guard.md says more. @param width columns */
export function guardHelp(width: number): string {
  return renderHelp(
    {
      usage: ['mcp-shepherd guard [OPTIONS] -- COMMAND [ARGUMENTS]', 'mcp-shepherd guard --http …   (see guard --http --help)'],
      paragraphs: [
        'Starts an MCP server and passes the messages between it and its client unchanged. The server can be restarted without the client noticing.',
      ],
      sections: [
        optionSection('Options', guardOptionTable),
        staleSection,
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
