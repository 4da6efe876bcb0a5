/** Where the digests of a pool come from. */
export const POOL_KINDS = ['package', 'image', 'tree', 'host', 'manual'] as const;
export type PoolKind = (typeof POOL_KINDS)[number];

/** A digest that is good, and where it may be seen: `sha256:<hex>`, `verity-sha256:<hex>`; paths escaped, hints only. */
export interface PoolDigest {
  readonly digest: string;
  readonly paths: readonly string[];
}

/** Digests that are good at every path. */
export interface Pool {
  /** Unique among the pools; for a package its name, version and architecture. */
  readonly id: string;
  readonly kind: PoolKind;
  /** Of a package or image: the name without the version, by which versions are compared. */
  readonly name: string;
  readonly version?: string;
  readonly architecture?: string;
  /** Digest of the package file, or of the layer, or the address that it came from. */
  readonly source?: string;
  /** After this time the pool is good no more: how an old package is retired. RFC 3339, UTC. */
  readonly until?: string;
  readonly digests: readonly PoolDigest[];
}

/** Digests that are good at this path, and only there. */
export interface FileRule {
  readonly path: string;
  readonly digests: readonly string[];
}

/** Digests of what may be loaded into a keyring, or of another buffer. */
export interface BufferRule {
  readonly name: string;
  readonly digests: readonly string[];
}

/** A key; files whose entry has a good signature by it are good. */
export interface SignerKey {
  readonly name: string;
  /** SubjectPublicKeyInfo in DER, base64. */
  readonly key: string;
  /** By which signatures name it: eight hexadecimal digits; follows from the key where it is absent. */
  readonly keyId?: string;
}

/** A hole, with its reason, who answers for it, and when it ends. */
export interface Exclude {
  /** glob: a path with `*`, `**` and `?`, or a directory. regex: RE2, from the beginning of the path. */
  readonly form: 'glob' | 'regex';
  readonly pattern: string;
  readonly reason: string;
  readonly owner: string;
  /** RFC 3339, UTC. */
  readonly expires: string;
}

export interface Denied {
  readonly digest: string;
  readonly reason: string;
}

/** The IMA policy that a host may load from a file: entries of other digests at these paths are findings. */
export interface KernelPolicyRule {
  readonly paths: readonly string[];
  readonly digests: readonly string[];
}

export interface BootAggregateRule {
  /** Banks whose boot_aggregate is recomputed from the quoted PCRs. */
  readonly banks: readonly string[];
  /** Values for lists that are compared without a quote. */
  readonly listed: readonly string[];
}

/** One version of reference values. It never changes; another content is another version. */
export interface ReferenceDocument {
  readonly schema: 'assay.reference.v1';
  readonly name: string;
  /** From 1. */
  readonly version: number;
  /** RFC 3339, UTC. */
  readonly created: string;
  /** After this time it is good no more. */
  readonly validUntil?: string;
  readonly note?: string;
  readonly pools: readonly Pool[];
  readonly files: readonly FileRule[];
  readonly buffers: readonly BufferRule[];
  readonly keyrings: readonly BufferRule[];
  /** Keyrings that may get any key; `*` is all of them. */
  readonly ignoredKeyrings: readonly string[];
  readonly keys: readonly SignerKey[];
  readonly excludes: readonly Exclude[];
  readonly denied: readonly Denied[];
  readonly kernelPolicy?: KernelPolicyRule;
  readonly bootAggregate: BootAggregateRule;
}

/** Most of each, and of bytes; what is beyond is refused before it is looked at. */
export const LIMITS = {
  bytes: 256 * 1024 * 1024,
  pools: 100_000,
  digests: 8_000_000,
  rules: 4_000_000,
  excludes: 1000,
  keys: 64,
} as const;

/** An empty document, to be filled. @param created RFC 3339, UTC */
export function emptyReference(name: string, version: number, created: string): ReferenceDocument {
  return {
    schema: 'assay.reference.v1',
    name,
    version,
    created,
    pools: [],
    files: [],
    buffers: [],
    keyrings: [],
    ignoredKeyrings: [],
    keys: [],
    excludes: [],
    denied: [],
    bootAggregate: { banks: ['sha256'], listed: [] },
  };
}
