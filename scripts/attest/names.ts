/** The host at the verifier. */
export const HOST = 'guest';

/** Where the agent of the guest keeps its key and its enrolment, below /run/lab. */
export const STATE_FILE = 'agent.json';

/** Programs of the guest: one that is known and then tampered with, one that nobody knows, and one that says "measured". */
export const PROGRAMS = { known: '/lab/program', unknown: '/lab/stranger', ready: '/lab/ready' } as const;

/** What they hold. */
export const CONTENTS = {
  known: '#!/bin/sh\n# as it was installed\n',
  ready: '#!/bin/sh\n# all that is good has run\n',
  tampered: '#!/bin/sh\n# tampered\n',
  unknown: '#!/bin/sh\n# unknown\n',
} as const;
