import type { AkTemplateName, EkTemplateName } from '@assay/core/tpm';

/** The names of templates, as options take them. */
export const EK_NAMES = [
  'L-1',
  'L-2',
  'H-1',
  'H-2',
  'H-3',
  'H-4',
  'H-6',
  'H-7',
] as const satisfies readonly EkTemplateName[];
export const AK_NAMES = [
  'ecdsa-p256',
  'ecdsa-p384',
  'ecdsa-p521',
  'rsassa-2048',
  'rsassa-3072',
  'rsapss-2048',
  'rsapss-3072',
] as const satisfies readonly AkTemplateName[];
