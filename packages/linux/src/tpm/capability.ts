import { FormatError } from '@assay/core/errors';
import { command, getCapability, TPM_CAP, type CapabilityData, type PcrBank, type RunCommand } from '@assay/core/tpm';

type Properties = Extract<CapabilityData, { readonly kind: 'properties' }>['properties'];

/** All that exist from `first` to `last`; a TPM may return fewer at a time than it is asked for. */
export async function readProperties(run: RunCommand, first: number, last: number): Promise<Map<number, number>> {
  const read = await readAll<Properties[number]>(run, TPM_CAP.TPM_PROPERTIES, first, {
    items: (data) => (data.kind === 'properties' ? data.properties : undefined),
    next: ({ property }) => property + 1,
    last,
  });
  return new Map(read.filter(({ property }) => property <= last).map(({ property, value }) => [property, value]));
}

/** Handles that exist from `first` on, of the same kind. @param first such as 0x01000000 for the NV indices */
export async function readHandles(run: RunCommand, first: number): Promise<number[]> {
  const last = ((first & 0xff000000) | 0x00ffffff) >>> 0;
  return readAll<number>(run, TPM_CAP.HANDLES, first, {
    items: (data) => (data.kind === 'handles' ? data.handles : undefined),
    next: (handle) => handle + 1,
    last,
  });
}

/** TPM_CC of every command that the TPM has. */
export async function readCommands(run: RunCommand): Promise<number[]> {
  const all = await readAll<number>(run, TPM_CAP.COMMANDS, 0, {
    items: (data) => (data.kind === 'commands' ? data.commands : undefined),
    next: (attributes) => (attributes & 0xffff) + 1,
    last: 0xffff,
  });
  return all.map((each) => each & 0xffff);
}

/** TPM_ALG_ID of every algorithm that the TPM has. */
export async function readAlgorithms(run: RunCommand): Promise<number[]> {
  const read = await readAll<{ readonly id: number }>(run, TPM_CAP.ALGS, 0, {
    items: (data) => (data.kind === 'algorithms' ? data.algorithms : undefined),
    next: ({ id }) => id + 1,
    last: 0xffff,
  });
  return read.map(({ id }) => id);
}

/** TPM_ECC_CURVE of every curve that the TPM has. */
export async function readCurves(run: RunCommand): Promise<number[]> {
  return readAll<number>(run, TPM_CAP.ECC_CURVES, 0, {
    items: (data) => (data.kind === 'curves' ? data.curves : undefined),
    next: (curve) => curve + 1,
    last: 0xffff,
  });
}

/** The banks of the TPM and their active PCRs, in its order. */
export async function readBanks(run: RunCommand): Promise<readonly PcrBank[]> {
  const { capabilityData } = await run(
    command(getCapability, { capability: TPM_CAP.PCRS, property: 0, propertyCount: 1 }),
  );
  if (capabilityData.kind !== 'pcrs') throw otherList(capabilityData.kind);
  return capabilityData.banks;
}

interface Listing<T> {
  /** Undefined for a list of another capability. */
  items(data: CapabilityData): readonly T[] | undefined;
  /** The property from which to ask on after this item. */
  next(item: T): number;
  readonly last: number;
}

async function readAll<T>(run: RunCommand, capability: number, first: number, listing: Listing<T>): Promise<T[]> {
  const all: T[] = [];
  for (let from = first; from <= listing.last; ) {
    const query = { capability, property: from, propertyCount: Math.min(listing.last - from + 1, PER_ANSWER) };
    const { capabilityData, moreData } = await run(command(getCapability, query));
    const items = listing.items(capabilityData);
    if (items === undefined) throw otherList(capabilityData.kind);
    all.push(...items);
    const final = items.at(-1);
    if (!moreData || final === undefined) break;
    from = Math.max(from + 1, listing.next(final));
  }
  return all;
}

/** More than any TPM puts into one answer. */
const PER_ANSWER = 0x100;

function otherList(kind: string): FormatError {
  return new FormatError('TPM-STRUCTURE', `the TPM answered with a list of ${kind}`);
}
