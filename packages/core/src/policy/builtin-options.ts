import { FormatError } from '../errors/index.ts';

/** What of the configuration and of the firmware decides which rules a kernel has before it loads any. */
export interface BuiltinOptions {
  /** CONFIG_IMA_WRITE_POLICY: policies may be loaded more than once. */
  readonly writePolicy: boolean;
  /** CONFIG_IMA_APPRAISE_SIGNED_INIT */
  readonly signedInit: boolean;
  /** CONFIG_IMA_APPRAISE_REQUIRE_…_SIGS */
  readonly required: readonly RequiredSignature[];
  /** CONFIG_IMA_ARCH_POLICY: rules of the architecture where Secure Boot is on. */
  readonly archPolicy: boolean;
  /** CONFIG_KEXEC_SIG: the kernel of kexec is verified without IMA. */
  readonly kexecSignatures: boolean;
  /** CONFIG_MODULE_SIG */
  readonly moduleSignatures: boolean;
  /** CONFIG_INTEGRITY_MACHINE_KEYRING and CONFIG_IMA_KEYRINGS_PERMIT_SIGNED_BY_BUILTIN_OR_SECONDARY */
  readonly machineKeyring: boolean;
}

const REQUIRED_SIGNATURES = ['MODULE', 'FIRMWARE', 'KEXEC', 'POLICY'] as const;
export type RequiredSignature = (typeof REQUIRED_SIGNATURES)[number];

/** Debian's kernels 6.1 to 7.2. */
export const DEBIAN_BUILTIN_OPTIONS: BuiltinOptions = {
  writePolicy: false,
  signedInit: false,
  required: [],
  archPolicy: true,
  kexecSignatures: true,
  moduleSignatures: true,
  machineKeyring: false,
};

/** @param config text of a kernel's configuration, as for `parseKernelConfig` */
export function parseBuiltinOptions(config: string): BuiltinOptions {
  const lines = new Set(config.split('\n'));
  const has = (option: string): boolean => lines.has(`CONFIG_${option}=y`);
  return {
    writePolicy: has('IMA_WRITE_POLICY'),
    signedInit: has('IMA_APPRAISE_SIGNED_INIT'),
    required: REQUIRED_SIGNATURES.filter((name) => has(`IMA_APPRAISE_REQUIRE_${name}_SIGS`)),
    archPolicy: has('IMA_ARCH_POLICY'),
    kexecSignatures: has('KEXEC_SIG'),
    moduleSignatures: has('MODULE_SIG'),
    machineKeyring: has('INTEGRITY_MACHINE_KEYRING') && has('IMA_KEYRINGS_PERMIT_SIGNED_BY_BUILTIN_OR_SECONDARY'),
  };
}

/** Built-in policies that a command line asks for. */
export interface BootPolicy {
  /** `tcb` of `ima_policy=`, or `original` of the old parameter `ima_tcb`: whichever stands first. */
  readonly measure?: 'tcb' | 'original';
  readonly appraiseTcb: boolean;
  readonly secureBoot: boolean;
  readonly criticalData: boolean;
  readonly failSecurely: boolean;
}

/** Asks for nothing, as a kernel without parameters does. */
const NOTHING: BootPolicy = { appraiseTcb: false, secureBoot: false, criticalData: false, failSecurely: false };

const NAMES: Readonly<Record<string, (asked: BootPolicy) => BootPolicy>> = {
  tcb: (asked) => ({ ...asked, measure: asked.measure ?? 'tcb' }),
  appraise_tcb: (asked) => ({ ...asked, appraiseTcb: true }),
  secure_boot: (asked) => ({ ...asked, secureBoot: true }),
  critical_data: (asked) => ({ ...asked, criticalData: true }),
  fail_securely: (asked) => ({ ...asked, failSecurely: true }),
};
const PARAMETERS: Readonly<Record<string, (asked: BootPolicy) => BootPolicy>> = {
  ima_tcb: (asked) => ({ ...asked, measure: asked.measure ?? 'original' }),
  ima_appraise_tcb: (asked) => ({ ...asked, appraiseTcb: true }),
};

/** Every name and old parameter of a built-in policy. */
export const BUILTIN_NAMES: readonly string[] = [...Object.keys(NAMES), ...Object.keys(PARAMETERS)];

/**
 * Reads the parameters of a kernel's command line, of which all but `ima_policy=`, `ima_tcb` and `ima_appraise_tcb` are
 * passed over, or the value of `ima_policy=` alone, such as `tcb|appraise_tcb`.
 * @throws FormatError BUILTIN-NAME for a name that a kernel would ignore with a message in its log
 */
export function parseBootPolicy(text: string): BootPolicy {
  const words = text.match(/(?:[^\s"]|"[^"]*")+/g) ?? [];
  const isCommandLine = words.some((word) => word.includes('=') || Object.hasOwn(PARAMETERS, word));
  if (!isCommandLine) return readNames(text, NOTHING);
  return words.reduce((asked, word) => readParameter(word.replaceAll('"', ''), asked), NOTHING);
}

function readParameter(word: string, asked: BootPolicy): BootPolicy {
  if (Object.hasOwn(PARAMETERS, word)) return PARAMETERS[word]?.(asked) ?? asked;
  const [, names] = /^ima_policy=(.*)$/s.exec(word) ?? [];
  return names === undefined ? asked : readNames(names, asked);
}

/** policy_setup */
function readNames(text: string, before: BootPolicy): BootPolicy {
  const names = text.split(/[ |\n]/).filter((name) => name !== '');
  if (names.length === 0) throw unknownName(text);
  return names.reduce((asked, name) => {
    const read = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
    if (read === undefined) throw unknownName(name);
    return read(asked);
  }, before);
}

function unknownName(name: string): FormatError {
  const shown = JSON.stringify(name.slice(0, 60));
  return new FormatError('BUILTIN-NAME', `${shown} is no built-in policy; there are ${BUILTIN_NAMES.join(', ')}`);
}
