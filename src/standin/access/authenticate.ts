import { randomBytes } from 'node:crypto';
import type { AppRegistration } from '../app-registration.ts';
import { ApiError } from '../http/api-error.ts';
import type { Account } from '../world.ts';
import type { Actor } from './actor.ts';
import { checkAppToken, looksLikeAppToken } from './app-token.ts';
import type { InstallationTokens } from './installation-tokens.ts';

/** Tells who a request comes from. A credential that is not good is refused, and never taken for nobody's. */
export function createAuthenticator(deps: {
  app: AppRegistration;
  tokens: InstallationTokens;
  clock: { nowMs(): number };
}) {
  const { app, tokens, clock } = deps;
  const userTokens = new Map<string, { account: Account; scopes: string[] }>();

  /** A personal access token. */
  function createUserToken(account: Account, scopes: string[]): string {
    const secret = `ghp_${randomBytes(18).toString('hex')}`;
    userTokens.set(secret, { account, scopes });
    return secret;
  }

  /** The actor behind a bare credential. Throws 401, or 403 when the installation is suspended. */
  function byCredential(credential: string): Actor {
    if (looksLikeAppToken(credential)) {
      checkAppToken(credential, app, clock.nowMs());
      return { kind: 'app' };
    }
    const token = tokens.find(credential);
    if (token) {
      if (token.installation.suspendedAtMs !== null) {
        throw new ApiError(403, 'This installation has been suspended');
      }
      return { kind: 'installation', token, account: app.bot };
    }
    const user = userTokens.get(credential);
    if (user) return { kind: 'user', ...user };
    throw new ApiError(401, 'Bad credentials');
  }

  /** The actor behind an `Authorization` header; without one, nobody. */
  function byHeader(header: string | undefined): Actor {
    if (header === undefined) return { kind: 'anonymous' };
    const [scheme = '', value = ''] = header.trim().split(/\s+/, 2);
    switch (scheme.toLowerCase()) {
      case 'bearer':
      case 'token':
        return byCredential(value);
      case 'basic':
        return byCredential(passwordOf(value));
      default:
        throw new ApiError(401, 'Bad credentials');
    }
  }

  return { createUserToken, byCredential, byHeader };
}

export type Authenticator = ReturnType<typeof createAuthenticator>;

/** The secret of a Basic credential: the password, or the user name when a token stands there alone. */
function passwordOf(encoded: string): string {
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  const [user, password] = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
  return password === '' || password === 'x-oauth-basic' ? user : password;
}
