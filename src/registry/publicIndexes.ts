import { defaultUrl } from 'registry-url';

/** The public registry that npm asks when no configuration names another (npm's documentation, config "registry"). */
export const publicNpmRegistry: string = defaultUrl;

/** The public index that pip and uv ask when no configuration names another (pip's documentation, "--index-url"). */
export const publicPythonIndex = 'https://pypi.org/simple/';

/** Another address of the public npm registry, which Yarn writes into its settings and lock files. */
const publicYarnRegistry = 'https://registry.yarnpkg.com/';

const publicHosts: ReadonlySet<string> = new Set(
  [publicNpmRegistry, publicPythonIndex, publicYarnRegistry].map((url) => new URL(url).host),
);

/** Whether an index is one of the public defaults, which must never be asked for a private package. */
export function isPublicIndex(url: URL): boolean {
  return publicHosts.has(url.host);
}

/** The same for the text of an address. A text that is not an address is not public. */
export function isPublicAddress(address: string): boolean {
  return URL.canParse(address) && isPublicIndex(new URL(address));
}
