import type { Instance } from '../../model/snapshot.ts';
import type { ActionTarget } from './plan.ts';

/** Whether a running server is the target, or what the same client has started in its place. */
export function isSameServer(instance: Instance, target: ActionTarget): boolean {
  return (
    instance.client?.identity === target.client?.identity &&
    (target.definitions.length > 0
      ? instance.definitions.some((id) => target.definitions.includes(id))
      : instance.command === target.command)
  );
}

/** Whether two are copies of one server: the same entry, or, without an entry, the same command line. */
export function isCopyOf(other: Instance, one: Instance): boolean {
  return (
    other.id !== one.id &&
    (one.definitions.length > 0 ? other.definitions.some((id) => one.definitions.includes(id)) : other.command === one.command)
  );
}
