import type { PolicyToken } from './lines.ts';

export const ACTIONS = [
  'measure',
  'dont_measure',
  'appraise',
  'dont_appraise',
  'audit',
  'dont_audit',
  'hash',
  'dont_hash',
] as const;
export type Action = (typeof ACTIONS)[number];

/** Hook functions by the name with which the kernel reads them back (enum ima_hooks, ima.h). */
export type HookFunction =
  | 'FILE_CHECK'
  | 'MMAP_CHECK'
  | 'MMAP_CHECK_REQPROT'
  | 'BPRM_CHECK'
  | 'CREDS_CHECK'
  | 'MODULE_CHECK'
  | 'FIRMWARE_CHECK'
  | 'KEXEC_KERNEL_CHECK'
  | 'KEXEC_INITRAMFS_CHECK'
  | 'KEXEC_CMDLINE'
  | 'POLICY_CHECK'
  | 'KEY_CHECK'
  | 'CRITICAL_DATA'
  | 'SETXATTR_CHECK';

export const LABEL_FIELDS = ['obj_user', 'obj_role', 'obj_type', 'subj_user', 'subj_role', 'subj_type'] as const;
export type LabelField = (typeof LABEL_FIELDS)[number];

export const ID_FIELDS = ['uid', 'euid', 'gid', 'egid', 'fowner', 'fgroup'] as const;
export type IdField = (typeof ID_FIELDS)[number];

export interface IdCondition {
  readonly field: IdField;
  readonly operator: '=' | '<' | '>';
  readonly value: number;
}

export const ACCESS_NAMES = ['MAY_EXEC', 'MAY_WRITE', 'MAY_READ', 'MAY_APPEND'] as const;
export type AccessName = (typeof ACCESS_NAMES)[number];

/** What a rule demands of the signature of a file. */
export interface Appraisal {
  readonly signature: boolean;
  readonly modsig: boolean;
  readonly sigv3: boolean;
  /** The digest is looked up in the keyring `.blacklist` (IMA_CHECK_BLACKLIST). */
  readonly blacklist: boolean;
}

/** Parts of a rule that the kernel allows or not, depending on its function: its flags IMA_FUNC, IMA_MASK and so on. */
export type Part =
  | 'func'
  | 'mask'
  | 'fsmagic'
  | 'fsname'
  | 'fs_subtype'
  | 'fsuuid'
  | IdField
  | LabelField
  | 'pcr'
  | 'template'
  | 'keyrings'
  | 'label'
  | 'appraise_type'
  | 'modsig'
  | 'appraise_flag'
  | 'appraise_algos'
  | 'digest_type'
  | 'permit_directio';

/** A rule as the kernel holds it (struct ima_rule_entry); what is missing is no condition. */
export interface Rule {
  readonly action?: Action | undefined;
  readonly func?: HookFunction | undefined;
  /** `any`: written with `^`, so that one common bit is enough; else the whole access mask must be equal. */
  readonly mask?: { readonly name: AccessName; readonly any: boolean } | undefined;
  readonly fsmagic?: bigint | undefined;
  readonly fsname?: string | undefined;
  readonly fsSubtype?: string | undefined;
  /** Lower case. */
  readonly fsuuid?: string | undefined;
  /** uid and euid share one slot, gid and egid another. */
  readonly ids: ReadonlyMap<IdSlot, IdCondition>;
  readonly labels: ReadonlyMap<LabelField, { readonly text: string; readonly active: boolean }>;
  readonly pcr?: number | undefined;
  /** By its name, even where the rule gives its format. */
  readonly template?: string | undefined;
  readonly keyrings?: readonly string[] | undefined;
  readonly criticalDataLabels?: readonly string[] | undefined;
  readonly appraisal: Appraisal;
  /** In the kernel's order, each once. */
  readonly appraiseAlgos?: readonly string[] | undefined;
  readonly verity: boolean;
  readonly permitDirectio: boolean;
}

export type IdSlot = 'user' | 'group' | 'fowner' | 'fgroup';

/** A rule while its words are read. */
export type Draft = { -readonly [Member in keyof Rule]: Rule[Member] } & {
  readonly ids: Map<IdSlot, IdCondition>;
  readonly labels: Map<LabelField, { readonly text: string; readonly active: boolean }>;
  /** The word that each part came from. */
  readonly parts: Map<Part, PolicyToken>;
};

export function emptyDraft(): Draft {
  return {
    ids: new Map(),
    labels: new Map(),
    appraisal: { signature: false, modsig: false, sigv3: false, blacklist: false },
    verity: false,
    permitDirectio: false,
    parts: new Map(),
  };
}
