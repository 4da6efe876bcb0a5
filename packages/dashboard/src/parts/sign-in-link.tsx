import { signInAddress } from '../api/who.ts';

/** A link that leaves this page for the identity provider. */
export function SignInLink({ signIn }: { signIn: string }) {
  return (
    <a href={signInAddress(signIn)} className="button-primary inline-block">
      Sign in
    </a>
  );
}
