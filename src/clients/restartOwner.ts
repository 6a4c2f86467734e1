import type { ClientId } from '../model/definition.ts';
import { isVscode } from './clientTable.ts';

/** Who restarts a server. `control`: its guard, or the server itself. `window`: the VS Code window. `user`: the user, in the client. `none`: it has no client. */
type RestartOwner<Client, Control> =
  | { readonly kind: 'control'; readonly control: Control }
  | { readonly kind: 'window' | 'user'; readonly client: Client }
  | { readonly kind: 'none' };

/** @param control the record of what can be asked to restart the server; undefined = nothing can be asked */
export function restartOwner<Client extends { readonly id: ClientId }, Control>(
  client: Client | null,
  control: Control | undefined,
): RestartOwner<Client, Control> {
  if (control !== undefined) {
    return { kind: 'control', control };
  }
  return client === null ? { kind: 'none' } : { kind: isVscode(client.id) ? 'window' : 'user', client };
}
