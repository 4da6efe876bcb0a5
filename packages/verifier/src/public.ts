import { fileURLToPath } from 'node:url';

/** Where `npm run build:dashboard` puts the page. */
export const BUILT_PAGE = fileURLToPath(new URL('../public', import.meta.url));
