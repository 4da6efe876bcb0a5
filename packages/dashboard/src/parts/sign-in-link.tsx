import { signInAddress } from '../api/who.ts';

/** A link to the identity provider. @param apart in another tab, where something on this page must not be lost */
export function SignInLink({ signIn, apart = false }: { signIn: string; apart?: boolean }) {
  return (
    <a
      href={signInAddress(signIn)}
      {...(apart ? { target: '_blank', rel: 'noopener' } : {})}
      className="button-primary inline-block"
    >
      {apart ? 'Sign in in another tab' : 'Sign in'}
    </a>
  );
}
