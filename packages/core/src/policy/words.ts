import {
  readCriticalDataLabel,
  readFsmagic,
  readFsname,
  readFsSubtype,
  readFsuuid,
  readFunction,
  readId,
  readKeyrings,
  readMask,
} from './conditions.ts';
import type { PolicyToken } from './lines.ts';
import {
  readAppraiseAlgos,
  readAppraiseFlag,
  readAppraiseType,
  readDigestType,
  readLabel,
  readPcr,
  readPermitDirectio,
  readTemplate,
} from './options.ts';
import type { KernelProfile } from './profile.ts';
import { refusal, type Refusal } from './refusal.ts';
import { ACTIONS, ID_FIELDS, LABEL_FIELDS, type Action, type Draft } from './rule.ts';
import { needsVersion, type Word, type WordReader } from './word.ts';

/** By the name and the operator behind it: policy_tokens of ima_policy.c. */
const READERS: ReadonlyMap<string, WordReader> = new Map<string, WordReader>([
  ...ACTIONS.map((action): [string, WordReader] => [action, readAction(action)]),
  ['func=', readFunction],
  ['mask=', readMask],
  ['fsmagic=', readFsmagic],
  ['fsname=', readFsname],
  ['fs_subtype=', readFsSubtype],
  ['fsuuid=', readFsuuid],
  ...ID_FIELDS.flatMap((field) => ['=', '<', '>'].map((sign): [string, WordReader] => [field + sign, readId(field)])),
  ...LABEL_FIELDS.map((field): [string, WordReader] => [`${field}=`, readLabel(field)]),
  ['pcr=', readPcr],
  ['template=', readTemplate],
  ['keyrings=', readKeyrings],
  ['label=', readCriticalDataLabel],
  ['appraise_type=', readAppraiseType],
  ['appraise_flag=', readAppraiseFlag],
  ['appraise_algos=', readAppraiseAlgos],
  ['digest_type=', readDigestType],
  ['permit_directio', readPermitDirectio],
]);

function readAction(action: Action): WordReader {
  return (word) => {
    const tooOld = action === 'dont_audit' ? needsVersion(word, 'dont_audit', '6.19') : undefined;
    if (tooOld !== undefined) return tooOld;
    const { draft, token } = word;
    if (draft.action !== undefined)
      return refusal('RULE-ACTION', `a rule has one action, and this one has ${draft.action} already`, token);
    draft.action = action;
    return undefined;
  };
}

/** What one turn of the loop in ima_parse_rule does. */
export function readWord(token: PolicyToken, draft: Draft, profile: KernelProfile): Refusal | undefined {
  const [, name = '', operator = '', value = ''] = /^([^=<>]*)([=<>]?)(.*)$/s.exec(token.text) ?? [];
  const word: Word = { token, name, operator, value, draft, profile };
  const reader = READERS.get(name + operator);
  if (reader === undefined) return refusal('RULE-WORD', unknownText(word), token);
  if (operator !== '' && value === '') return refusal('RULE-WORD', `${name}${operator} has no value`, token);
  const refused = reader(word);
  if (refused === undefined || !token.text.endsWith('\r')) return refused;
  return { ...refused, message: `${refused.message}; it ends in a carriage return: save the file with Unix line ends` };
}

const NO_CONDITIONS = ['path', 'pathname', 'fscontext', 'inode', 'digest_list', 'digest_cache'];

function unknownText({ token, name, operator, value }: Word): string {
  const shown = JSON.stringify(token.text.slice(0, 60));
  if (token.text.endsWith('\r')) return `${shown} ends in a carriage return: save the file with Unix line ends`;
  if (token.text.startsWith('/')) return `${shown}: a line that begins with / is the path of a policy, not a rule`;
  if (/^[=<>]/.test(value) || name.endsWith('!')) return `${shown}: the only operators are = < and >`;
  if (NO_CONDITIONS.includes(name)) return `${shown}: mainline kernels have no condition ${name}`;
  if (READERS.has(name.toLowerCase() + operator)) return `${shown} must be written in small letters`;
  if (READERS.has(`${name}=`)) return `${shown} needs = and a value, without blanks between`;
  return `${shown} is no word of a rule`;
}
