import { posix, win32 } from 'node:path';
import type { IndexRoute, IndexTarget, ScopedAuthorization } from './indexRoute.ts';

/** Whose a setting is: the user's (variables, files of user and machine), or the file of a project or environment, by its path. */
export type SettingOwner = string;

/** The owner of what the user has set. */
export const ofUser: SettingOwner = 'user';

/** Whether the settings of an owner count. */
export type Trusts = (owner: SettingOwner) => boolean;

/** By which way a request travels, and what it is checked with. */
export type Passage = Pick<IndexTarget, 'proxy' | 'caFile' | 'unverified'>;

interface Credential {
  readonly authorization: string;
  readonly owner: SettingOwner;
  /** The owner's own settings name this host with plain http. */
  readonly namesHttp: boolean;
}

/** Why an index is not asked that has no target. */
export const notInScope =
  'a file of its project or environment decides how its registry is reached, and the credentials are not of that file';

/**
 * How an index is asked, with the credentials for it. They are sent only by the passage that the user and their own file decide alone, and by plain http only where
 * their own settings name http. Undefined when that is not so: the index is not asked then, with credentials or without.
 *
 * @param passageOf the passage by the settings of those owners that count
 */
export function targetInScope(
  base: URL,
  isPublic: boolean,
  credential: Credential | undefined,
  passageOf: (trusts: Trusts) => Passage,
): IndexTarget | undefined {
  const passage = passageOf(() => true);
  const isOwn = (trusts: Trusts): boolean => isSame(passage, passageOf(trusts));
  // The proxy's own password is sent inside of TLS, with the same authorities.
  if (passage.proxy?.protocol === 'https:' && hasPassword(passage.proxy) && !isOwn((owner) => owner === ofUser)) {
    return undefined;
  }
  if (credential === undefined) {
    return { base, isPublic, ...passage };
  }
  if (passage.unverified) {
    // Where certificates are not checked, an index that has a credential is asked without it, and only when the user's own settings say so.
    return isOwn((owner) => owner === ofUser) ? { base, isPublic, ...passage } : undefined;
  }
  const { authorization, owner, namesHttp } = credential;
  const secured = base.protocol === 'https:' || namesHttp;
  if (!secured || !isOwn((other) => other === ofUser || other === owner) || isRelative(passage.caFile)) {
    return undefined;
  }
  return { base, isPublic, authorization: authorization as ScopedAuthorization, ...passage };
}

/**
 * The route for a running server. Its variables are not the user's: an entry of a project sets them, and npm exports the settings of the folder that it is started
 * in, with the user's variables filled in. Where they lead elsewhere than the user's own, no index is asked.
 */
export function agreedRoute(ofServer: IndexRoute, own: IndexRoute): IndexRoute {
  if ('never' in ofServer || 'never' in own) {
    return 'never' in ofServer ? ofServer : own;
  }
  return JSON.stringify(ofServer.ask) === JSON.stringify(own.ask)
    ? ofServer
    : { never: 'the variables of the server name another registry, proxy or credential than the settings of the user' };
}

function isSame(one: Passage, other: Passage): boolean {
  return one.proxy?.href === other.proxy?.href && one.caFile === other.caFile && one.unverified === other.unverified;
}

function hasPassword({ username, password }: URL): boolean {
  return username !== '' || password !== '';
}

/** Such a path leads into the folder that MCP Shepherd is started in. */
function isRelative(path: string | undefined): boolean {
  return path !== undefined && !posix.isAbsolute(path) && !win32.isAbsolute(path);
}
