import { printable, utf8 } from '@assay/core/bytes';
import { checkRule, parsePolicy, type KernelProfile } from '@assay/core/policy';
import { randomPolicyRules } from '../policy/index.ts';
import { profileOf, textOf, theOnly, type Suite } from './suite.ts';

const RULES = { all: 12_000, few: 400 } as const;
const TIMEOUT_MS = 15 * 60 * 1000;

/** The kernel reads at most a page less one byte of each write. */
const WRITE_LIMIT = 4095;

/** Whether kernels take the rules that core says they take. */
export const policyRules: Suite = {
  name: 'policy-rules',
  title: 'policy rules accepted or refused',
  guests: ({ seed, few }) => {
    const rules = new Set(randomPolicyRules(seed, few ? RULES.few : RULES.all));
    const text = [...rules].map((rule) => `${rule}\n`).join('');
    return [{ program: 'policy-rules.py', files: new Map([['rules', utf8(text)]]), timeoutMs: TIMEOUT_MS }];
  },
  judge: (answers) => {
    const { kernel, asked, files } = theOnly(answers);
    const profile = profileOf(kernel);
    const rules = textOf(asked, 'rules').split('\n').slice(0, -1);
    const verdicts = textOf(files, 'verdicts').split('\n');
    const disagreements = rules.flatMap((rule, index) => {
      const expected = expectedVerdict(rule, profile);
      const said = verdicts[index] ?? 'nothing';
      return said === expected ? [] : [`${shown(rule)}: the kernel says ${said}, core ${expected}`];
    });
    return { cases: rules.length, disagreements };
  },
};

function shown(rule: string): string {
  return printable(utf8(rule.slice(0, 300)));
}

/** What core expects a kernel to say to a rule that is written to it: `ok`, or `E` and the error number. */
export function expectedVerdict(rule: string, profile: KernelProfile): string {
  const [line] = parsePolicy(Buffer.from(`${rule}\n`).subarray(0, WRITE_LIMIT).toString('utf8'));
  if (line === undefined || line.tokens.length === 0) return 'ok';
  const checked = checkRule(line, profile);
  if (checked.accepted) return 'ok';
  return checked.refusal.errno === 'ERANGE' ? 'E34' : 'E22';
}
