/**
 * The rules of this engine, in the language of IMA policies: programs, scripts and their interpreters as they are
 * executed. fanotify reports the dynamic loader of a program as an execution too, where the kernel's IMA does not.
 */
export const RULES: readonly string[] = ['measure func=BPRM_CHECK'];
