import type { CodeText } from './code-text.ts';

/** What is given for a policy, or for the kernel that is asked about it, cannot be read or used. Part of FORMAT_CODES. */
export const POLICY_FORMAT_CODES = {
  'POLICY-TEXT': {
    meaning: 'An IMA policy holds a character that no text has, or is not UTF-8.',
    remedy: 'Save it as a text file in UTF-8; the message names line and column.',
  },
  'POLICY-REFUSED': {
    meaning: 'The kernel that is asked about refuses a rule of the policy, and so would not load any of it.',
    remedy: 'Run `assay policy check` on it: it gives every refused rule with its reason.',
  },
  'BUILTIN-NAME': {
    meaning: 'A kernel has no built-in policy of that name.',
    remedy: 'Name tcb, appraise_tcb, secure_boot, critical_data or fail_securely, several with | between them.',
  },
  'KERNEL-VERSION': {
    meaning: 'A kernel version is no version, or not one whose policy rules Assay knows.',
    remedy: 'Name one from 5.4 to 7.3, such as 6.12.',
  },
  'KERNEL-CONFIG': {
    meaning: 'A text is not the configuration of a kernel with IMA.',
    remedy: 'Give the file /boot/config-RELEASE of that kernel, or its /proc/config.gz.',
  },
} as const satisfies Record<string, CodeText>;

/** The kernel refuses a rule of an IMA policy, or the policy as a whole. */
export const RULE_CODES = {
  'RULE-WORD': {
    meaning: 'A word is none that the kernel knows, or has no value.',
    remedy: 'The message shows the word; names and values are case-sensitive, and no blank stands in them.',
  },
  'RULE-VALUE': {
    meaning: 'The value of a word is not of its form, or out of its range.',
    remedy: 'The message says what the word takes.',
  },
  'RULE-REPEATED': {
    meaning: 'A word stands twice, or two words want the same slot of the rule.',
    remedy: 'Keep one of them; write two rules where both are meant.',
  },
  'RULE-ACTION': {
    meaning: 'A rule has no action, or more than one.',
    remedy: 'Write one of measure, appraise, audit, hash or their dont_ forms; two actions are two rules.',
  },
  'RULE-COMBINATION': {
    meaning: 'Words that are each right do not go together in one rule.',
    remedy: 'The message names the word that does not fit the action or the function.',
  },
  'RULE-LABEL': {
    meaning: 'No security module resolves the label of a rule.',
    remedy:
      'Load its policy first. Once a custom policy is active the kernel accepts such a rule, and never applies it.',
  },
  'RULE-KERNEL-VERSION': {
    meaning: 'The kernel is too old for the rule.',
    remedy: 'Use the kernel that the message names, or another rule.',
  },
  'RULE-KERNEL-OPTION': {
    meaning: 'The kernel was built without what the rule needs.',
    remedy: 'Use a kernel with the option that the message names, or load the module of the hash algorithm.',
  },
  'POLICY-EMPTY': {
    meaning: 'A policy has no rule; the kernel drops such a load without an error.',
    remedy: 'Write a rule.',
  },
  'POLICY-LAST-NEWLINE': {
    meaning: 'The last line of a policy has no newline; loaded by its path it is refused as a whole.',
    remedy: 'End the line; `assay policy format` does.',
  },
  'POLICY-LINE-LENGTH': {
    meaning: 'A line is longer than one write into the policy file of the kernel can be.',
    remedy: 'Shorten it, or load the policy by its path.',
  },
} as const satisfies Record<string, CodeText>;

export type RuleCode = keyof typeof RULE_CODES;

/** The kernel accepts a rule, and it does not do what it looks like, or more than anybody wants. */
export const LINT_CODES = {
  'LINT-UNREACHED': {
    meaning: 'An earlier rule decides everything that this rule matches; the first match of a class of actions counts.',
    remedy: 'Put the narrower rule first, or remove it.',
  },
  'LINT-NEVER': {
    meaning: 'A rule has a condition that is never true.',
    remedy: 'The message names the condition.',
  },
  'LINT-MASK-EXACT': {
    meaning: 'A mask without ^ must equal the whole access, so that some accesses pass by the rule.',
    remedy: 'Write ^ in front of the mask.',
  },
  'LINT-REPEATED': {
    meaning: 'A condition stands several times, and only the last one counts.',
    remedy: 'Keep one of them; write a rule for each file system.',
  },
  'LINT-IGNORED': {
    meaning: 'The kernel accepts a condition, or rules that appraise, and does not look at them.',
    remedy: 'Remove the condition: the rule matches without it as well; to appraise, take a kernel that can.',
  },
  'LINT-OLD-NAME': {
    meaning: 'A word is an old name; the kernel gives the rule back with the new one.',
    remedy: 'Use the new name.',
  },
  'LINT-DONT-BROAD': {
    meaning: 'A dont_ rule takes everything, all of root or a whole disk from the rules behind it.',
    remedy: 'Narrow it, such as by obj_type or fsuuid, or put the rules it stops in front of it.',
  },
  'LINT-MAGIC-NAME': {
    meaning: 'A magic number is not that of the file system that the comment of the rule names.',
    remedy: 'Find out which of the two is meant; the message names both numbers.',
  },
  'LINT-MAGIC-UNKNOWN': {
    meaning: 'No known file system has the magic number of a rule, so that the rule never matches.',
    remedy: 'Compare it with `stat -f -c %t` of a file there; write it as a hexadecimal number.',
  },
  'LINT-TMPFS': {
    meaning: 'A dont_ rule leaves out programs that are started from tmpfs or ramfs, where everybody can put them.',
    remedy: 'Give the rule func=FILE_CHECK, as the built-in policy has it since 6.14; or mount such places noexec.',
  },
  'LINT-OVERLAY': {
    meaning: 'Programs in containers are on overlayfs, and the rules for programs do not reach them.',
    remedy: 'Write rules for fsname=overlay too; containers that nobody measures belong on other machines.',
  },
  'LINT-PSEUDO': {
    meaning: 'A rule for all files that are read has no dont_ rules in front of it for what the kernel makes up.',
    remedy: 'Begin as the built-in policies do: dont_measure or dont_appraise for proc, sysfs and their like.',
  },
  'LINT-SIGNATURES': {
    meaning: 'Signatures are demanded of files whose entries in the measurement list do not carry them.',
    remedy: 'Measure with template=ima-sig, so that a verifier sees which key vouched for a file.',
  },
  'LINT-LABELS': {
    meaning: 'A rule demands a label of every program, or of every file that root owns.',
    remedy: 'Label the root file system first, and start with ima_appraise=log until nothing would be refused.',
  },
  'LINT-EXCESS': {
    meaning: 'A rule measures every file that is read, so that the list grows without end and says little.',
    remedy: 'Measure what is executed, and narrow rules for files by obj_type, fowner or file system.',
  },
} as const satisfies Record<string, CodeText>;

export type LintCode = keyof typeof LINT_CODES;
