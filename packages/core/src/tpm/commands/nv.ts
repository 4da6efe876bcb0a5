import { sized, u16, u32 } from '../codec.ts';
import { MAX_DIGEST, MAX_NAME } from '../constants.ts';
import { sizedNvPublic } from '../structures/nv.ts';
import { defineCommand } from './layout.ts';

/** Largest TPM2B_MAX_NV_BUFFER of any TPM; each TPM says its own in NV_BUFFER_MAX. */
const MAX_NV_BUFFER = 2048;

/** The entity whose password or policy is given (the index itself or a hierarchy), and the index. */
const indexHandles = { authHandle: u32, nvIndex: u32 } as const;

/** Part 3, clause 31.3. */
export const nvDefineSpace = defineCommand({
  name: 'NV_DefineSpace',
  code: 0x12a,
  handles: { authHandle: u32 },
  authorizations: 1,
  parameters: { auth: sized(MAX_DIGEST), publicInfo: sizedNvPublic },
  resultHandles: {},
  results: {},
});

/** Part 3, clause 31.4. */
export const nvUndefineSpace = defineCommand({
  name: 'NV_UndefineSpace',
  code: 0x122,
  handles: indexHandles,
  authorizations: 1,
  parameters: {},
  resultHandles: {},
  results: {},
});

/** Part 3, clause 31.6. */
export const nvReadPublic = defineCommand({
  name: 'NV_ReadPublic',
  code: 0x169,
  handles: { nvIndex: u32 },
  authorizations: 0,
  parameters: {},
  resultHandles: {},
  results: { nvPublic: sizedNvPublic, nvName: sized(MAX_NAME) },
});

/** Part 3, clause 31.7. */
export const nvWrite = defineCommand({
  name: 'NV_Write',
  code: 0x137,
  handles: indexHandles,
  authorizations: 1,
  parameters: { data: sized(MAX_NV_BUFFER), offset: u16 },
  resultHandles: {},
  results: {},
});

/** Part 3, clause 31.8. */
export const nvIncrement = defineCommand({
  name: 'NV_Increment',
  code: 0x134,
  handles: indexHandles,
  authorizations: 1,
  parameters: {},
  resultHandles: {},
  results: {},
});

/** Part 3, clause 31.9. */
export const nvExtend = defineCommand({
  name: 'NV_Extend',
  code: 0x136,
  handles: indexHandles,
  authorizations: 1,
  parameters: { data: sized(MAX_NV_BUFFER) },
  resultHandles: {},
  results: {},
});

/** Part 3, clause 31.11. */
export const nvWriteLock = defineCommand({
  name: 'NV_WriteLock',
  code: 0x138,
  handles: indexHandles,
  authorizations: 1,
  parameters: {},
  resultHandles: {},
  results: {},
});

/** Part 3, clause 31.13. */
export const nvRead = defineCommand({
  name: 'NV_Read',
  code: 0x14e,
  handles: indexHandles,
  authorizations: 1,
  parameters: { size: u16, offset: u16 },
  resultHandles: {},
  results: { data: sized(MAX_NV_BUFFER) },
});

/** Part 3, clause 31.14. */
export const nvReadLock = defineCommand({
  name: 'NV_ReadLock',
  code: 0x14f,
  handles: indexHandles,
  authorizations: 1,
  parameters: {},
  resultHandles: {},
  results: {},
});
