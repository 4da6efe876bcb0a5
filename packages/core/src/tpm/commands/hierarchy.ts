import { sized, u32 } from '../codec.ts';
import { MAX_DIGEST } from '../constants.ts';
import { defineCommand } from './layout.ts';

/** Part 3, clause 24.8: the new password of a hierarchy. */
export const hierarchyChangeAuth = defineCommand({
  name: 'HierarchyChangeAuth',
  code: 0x129,
  handles: { authHandle: u32 },
  authorizations: 1,
  parameters: { newAuth: sized(MAX_DIGEST) },
  resultHandles: {},
  results: {},
});

/** Part 3, clause 24.6: makes every key of the owner and the endorsement hierarchy useless. */
export const clear = defineCommand({
  name: 'Clear',
  code: 0x126,
  handles: { authHandle: u32 },
  authorizations: 1,
  parameters: {},
  resultHandles: {},
  results: {},
});

/** Part 3, clause 25.2. */
export const dictionaryAttackLockReset = defineCommand({
  name: 'DictionaryAttackLockReset',
  code: 0x139,
  handles: { lockHandle: u32 },
  authorizations: 1,
  parameters: {},
  resultHandles: {},
  results: {},
});
