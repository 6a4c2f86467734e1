/** Names come from directories and metadata of others. Versions are version-shaped already where they are read. */
export function packageName(name: string): string {
  return /^(@[A-Za-z0-9._~-]+\/)?[A-Za-z0-9._~-]+$/.test(name) && name.length <= 214 ? name : 'a package with an odd name';
}
