const namePart = /^[A-Za-z0-9~_][A-Za-z0-9~._-]*$/;

/**
 * Whether npm could have a package of this name (upper case is allowed: old packages have it). Stricter than npm in one way: a name never begins with
 * `-` or `.`, so that it is safe as an argument and as a path.
 */
export function isNpmName(name: string): boolean {
  if (name.length === 0 || name.length > 214) {
    return false;
  }
  const parts = name.startsWith('@') ? name.slice(1).split('/') : [name];
  return parts.length === (name.startsWith('@') ? 2 : 1) && parts.every((part) => namePart.test(part) && part !== 'node_modules');
}
