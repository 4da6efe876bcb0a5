export { Browser } from './browser.ts';
export { CLIENT, identityProvider, type Account } from './provider.ts';
