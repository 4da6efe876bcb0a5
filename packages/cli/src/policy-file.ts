import { parsePolicyBytes, type PolicyLine } from '@assay/core/policy';
import { boundedContent, boundedInput } from './bounded-file.ts';

/** Far over any policy that is used; a kernel reads each rule of it under one lock. */
const LIMIT_BYTES = 16 * 1024 * 1024;

/** The policy in a file, or on standard input for `-`. @throws FormatError POLICY-TEXT, INPUT-FILE, BYTES-LIMIT */
export async function readPolicyFile(path: string): Promise<PolicyLine[]> {
  return parsePolicyBytes(path === '-' ? await boundedInput(LIMIT_BYTES) : await boundedContent(path, LIMIT_BYTES));
}
