import { optionSection, renderHelp } from '../../base/optionHelp.ts';
import { httpOptionTable, httpStaleModes } from './httpOptions.ts';
import { staleSectionOf } from './sharedOptions.ts';

/** The page of `mcp-shepherd guard --http --help`; docs/guard-http.md says more. @param width columns */
export function httpGuardHelp(width: number): string {
  return renderHelp(
    {
      usage: [
        'mcp-shepherd guard --http --listen [HOST:]PORT --upstream URL [OPTIONS]',
        'mcp-shepherd guard --http --listen [HOST:]PORT [OPTIONS] -- COMMAND [ARGUMENTS]',
      ],
      paragraphs: [
        'Passes requests to an MCP server that speaks HTTP. The sessions of its clients survive restarts of the server and of the guard.',
      ],
      sections: [
        optionSection('Options', httpOptionTable),
        staleSectionOf(httpStaleModes),
        {
          title: 'Pages of the guard',
          items: [
            ['GET /health', 'status, version, pid, started, uptime and upstream as JSON'],
            ['POST /shutdown', 'with "Authorization: Bearer SECRET"; the secret is in the file that belongs to the guard’s record'],
          ],
        },
        {
          title: 'Exit codes',
          items: [
            ['0', 'after /shutdown or a signal'],
            ['1', 'the port cannot be opened'],
            ['2', 'usage error'],
            ['75', 'another server uses the resource'],
          ],
        },
      ],
    },
    width,
  );
}
