import { isDeepStrictEqual } from 'node:util';
import type { BesideEvidence } from '../../diagnosis/stale/replacedBeside.ts';
import type { ClosureReading, PackageChange, PackageRef } from '../../model/package.ts';
import { isOtherVersion } from '../../package/closureDiff.ts';
import { ClosureReader } from '../../package/closureReader.ts';
import type { Followed } from './commandLeads.ts';
import type { ServerContext } from './serverContext.ts';
import { comparedName, packageChange, type RunningCode } from './serverVersions.ts';

/** The place that a command leads to, read. */
export interface PlacedLead {
  readonly version: string;
  readonly place: string;
  readonly followed: BesideEvidence['followed'];
  readonly dependencies: readonly PackageChange[];
  /** Epoch ms. */
  readonly changedAt: number;
}

/** Reads the packages at the places to which commands lead. */
export class LeadReader {
  readonly #reader = new ClosureReader();
  #readings = new Set<ClosureReading>();

  /** The versions where commands lead, of those that lead to the package that runs. */
  versionsAt(leads: Followed['leads'], server: ServerContext, running: RunningCode): PlacedLead[] {
    return leads.flatMap((lead): PlacedLead[] => {
      if (!('ref' in lead)) {
        return [{ ...lead, dependencies: [], changedAt: 0 }];
      }
      const { ref, followed } = lead;
      if (ref.ecosystem !== running.ecosystem || comparedName(ref) !== comparedName(running)) {
        return [];
      }
      const reading = this.read(ref, server);
      const own = reading.status === 'ok' ? reading.packages[0] : undefined;
      if (reading.status !== 'ok' || own?.version === undefined) {
        return [];
      }
      const dependencies =
        running.packages === undefined
          ? []
          : packageChange(running.packages, reading).dependencies.filter((change) => isOtherVersion(ref.ecosystem, change));
      return [{ version: own.version, place: own.root, followed, dependencies, changedAt: reading.changedAt }];
    });
  }

  /** The package and its closure at a place now. */
  read(ref: PackageRef, { loaded, now }: ServerContext): ClosureReading {
    const reading =
      'unknown' in loaded || (loaded.ref !== ref && !isDeepStrictEqual(loaded.ref, ref)) ? this.#reader.read(ref, now) : loaded.reading;
    this.#readings.add(reading);
    return reading;
  }

  /** Something may have changed on disk. */
  doubt(): void {
    this.#reader.doubt();
  }

  /** Ends a scan: drops what was not read in it. */
  keep(): void {
    this.#reader.keep(this.#readings);
    this.#readings = new Set();
  }
}
