/** What the firmware profile says the digest of an event of this type covers. */
export type DigestRule =
  /** The event data. */
  | 'data'
  /** Something that is not in the log. */
  | 'opaque'
  /** Whatever the loader chose. */
  | 'any'
  /** Never extended. */
  | 'none';

interface EventType {
  readonly name: string;
  readonly rule: DigestRule;
}

export const EVENT = {
  noAction: 0x3,
  separator: 0x4,
  action: 0x5,
  eventTag: 0x6,
  sCrtmVersion: 0x8,
  compactHash: 0xc,
  ipl: 0xd,
  variableDriverConfig: 0x80000001,
  variableBoot: 0x80000002,
  bootApplication: 0x80000003,
  bootDriver: 0x80000004,
  runtimeDriver: 0x80000005,
  gpt: 0x80000006,
  efiAction: 0x80000007,
  firmwareBlob: 0x80000008,
  firmwareBlob2: 0x8000000a,
  variableBoot2: 0x8000000c,
  gpt2: 0x8000000d,
  hcrtm: 0x80000010,
  variableAuthority: 0x800000e0,
} as const;

/** PC Client Platform Firmware Profile, section 10.4.1: events and what is hashed for them. */
const TYPES: ReadonlyMap<number, EventType> = new Map<number, EventType>([
  [0x0, { name: 'EV_PREBOOT_CERT', rule: 'any' }],
  [0x1, { name: 'EV_POST_CODE', rule: 'opaque' }],
  [0x2, { name: 'EV_UNUSED', rule: 'any' }],
  [EVENT.noAction, { name: 'EV_NO_ACTION', rule: 'none' }],
  [EVENT.separator, { name: 'EV_SEPARATOR', rule: 'data' }],
  [EVENT.action, { name: 'EV_ACTION', rule: 'data' }],
  [EVENT.eventTag, { name: 'EV_EVENT_TAG', rule: 'any' }],
  [0x7, { name: 'EV_S_CRTM_CONTENTS', rule: 'opaque' }],
  // Of the version by the profile; servers are seen whose digest is of something else.
  [EVENT.sCrtmVersion, { name: 'EV_S_CRTM_VERSION', rule: 'any' }],
  [0x9, { name: 'EV_CPU_MICROCODE', rule: 'opaque' }],
  [0xa, { name: 'EV_PLATFORM_CONFIG_FLAGS', rule: 'any' }],
  [0xb, { name: 'EV_TABLE_OF_DEVICES', rule: 'any' }],
  [EVENT.compactHash, { name: 'EV_COMPACT_HASH', rule: 'opaque' }],
  [EVENT.ipl, { name: 'EV_IPL', rule: 'any' }],
  [0xe, { name: 'EV_IPL_PARTITION_DATA', rule: 'any' }],
  [0xf, { name: 'EV_NONHOST_CODE', rule: 'opaque' }],
  [0x10, { name: 'EV_NONHOST_CONFIG', rule: 'opaque' }],
  // Of the data by the profile; Intel's management engine logs a record of its own events (IntelCSxEEvent01).
  [0x11, { name: 'EV_NONHOST_INFO', rule: 'any' }],
  [0x12, { name: 'EV_OMIT_BOOT_DEVICE_EVENTS', rule: 'data' }],
  [0x13, { name: 'EV_POST_CODE2', rule: 'opaque' }],
  [EVENT.variableDriverConfig, { name: 'EV_EFI_VARIABLE_DRIVER_CONFIG', rule: 'data' }],
  [EVENT.variableBoot, { name: 'EV_EFI_VARIABLE_BOOT', rule: 'data' }],
  [EVENT.bootApplication, { name: 'EV_EFI_BOOT_SERVICES_APPLICATION', rule: 'opaque' }],
  [EVENT.bootDriver, { name: 'EV_EFI_BOOT_SERVICES_DRIVER', rule: 'opaque' }],
  [EVENT.runtimeDriver, { name: 'EV_EFI_RUNTIME_SERVICES_DRIVER', rule: 'opaque' }],
  [EVENT.gpt, { name: 'EV_EFI_GPT_EVENT', rule: 'data' }],
  [EVENT.efiAction, { name: 'EV_EFI_ACTION', rule: 'data' }],
  [EVENT.firmwareBlob, { name: 'EV_EFI_PLATFORM_FIRMWARE_BLOB', rule: 'opaque' }],
  [0x80000009, { name: 'EV_EFI_HANDOFF_TABLES', rule: 'opaque' }],
  [EVENT.firmwareBlob2, { name: 'EV_EFI_PLATFORM_FIRMWARE_BLOB2', rule: 'opaque' }],
  [0x8000000b, { name: 'EV_EFI_HANDOFF_TABLES2', rule: 'opaque' }],
  [EVENT.variableBoot2, { name: 'EV_EFI_VARIABLE_BOOT2', rule: 'data' }],
  [EVENT.gpt2, { name: 'EV_EFI_GPT_EVENT2', rule: 'data' }],
  [EVENT.hcrtm, { name: 'EV_EFI_HCRTM_EVENT', rule: 'opaque' }],
  [EVENT.variableAuthority, { name: 'EV_EFI_VARIABLE_AUTHORITY', rule: 'data' }],
  [0x800000e1, { name: 'EV_EFI_SPDM_FIRMWARE_BLOB', rule: 'opaque' }],
  [0x800000e2, { name: 'EV_EFI_SPDM_FIRMWARE_CONFIG', rule: 'opaque' }],
  [0x800000e3, { name: 'EV_EFI_SPDM_DEVICE_POLICY', rule: 'data' }],
  [0x800000e4, { name: 'EV_EFI_SPDM_DEVICE_AUTHORITY', rule: 'data' }],
]);

/** The name of the specification, or the number in hexadecimal. */
export function eventTypeName(type: number): string {
  return TYPES.get(type)?.name ?? `0x${type.toString(16).padStart(8, '0')}`;
}

export function digestRule(type: number): DigestRule {
  return TYPES.get(type)?.rule ?? 'any';
}
