import { parsePolicyBytes, type PolicyLine } from '@assay/core/policy';
import { boundedContent } from './bounded-file.ts';

/** Far over any policy that is used; a kernel reads each rule of it under one lock. */
const LIMIT_BYTES = 16 * 1024 * 1024;

/** @throws FormatError POLICY-TEXT, INPUT-FILE, BYTES-LIMIT */
export async function readPolicyFile(path: string): Promise<PolicyLine[]> {
  return parsePolicyBytes(await boundedContent(path, LIMIT_BYTES));
}
