import type { Definition } from '../../model/definition.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';

/** Whether an entry can start through the guard, or already does; undefined for remote and managed entries. */
export function guardability(definition: Definition): 'guardable' | 'guarded' | undefined {
  if (definition.guarded) {
    return 'guarded';
  }
  return definition.transport === 'stdio' && definition.scope !== 'managed' ? 'guardable' : undefined;
}

/** The entry to protect, so that a server that only its client can restart can be restarted by one command; undefined = there is none. */
export function guardWouldHelp(instance: Instance, snapshot: Snapshot): Definition | undefined {
  if (instance.guarded || instance.client === null) {
    return undefined;
  }
  return snapshot.definitions.find(
    (definition) => instance.definitions.includes(definition.id) && guardability(definition) === 'guardable',
  );
}
