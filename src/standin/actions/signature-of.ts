import type { Signature } from '../git/objects.ts';
import type { Account } from '../world.ts';

/** How an account signs commits made on the website or through REST. */
export function signatureOf(account: Account, date: string): Signature {
  return {
    name: account.name ?? account.login,
    email: `${account.id}+${account.login}@users.noreply.github.com`,
    date,
  };
}
