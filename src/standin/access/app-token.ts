import { verify } from 'node:crypto';
import { ApiError } from '../http/api-error.ts';

const longestLifeSeconds = 600;

/** Whether a bearer credential is meant as an App's JSON Web Token; installation tokens hold dots as well. */
export function looksLikeAppToken(credential: string): boolean {
  return /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/.test(credential);
}

/**
 * Accepts an App's JSON Web Token, or throws GitHub's 401. Octokit mends clock skew by the words in these
 * messages together with the `Date` header, so they are GitHub's own.
 */
export function checkAppToken(
  credential: string,
  app: { id: number; clientId: string; publicKey: string },
  nowMs: number,
): void {
  const [header = '', payload = '', signature = ''] = credential.split('.');
  if (
    readPart(header)?.['alg'] !== 'RS256' ||
    !verify(
      'RSA-SHA256',
      Buffer.from(`${header}.${payload}`),
      app.publicKey,
      Buffer.from(signature, 'base64url'),
    )
  ) {
    throw new ApiError(401, 'A JSON web token could not be decoded');
  }

  const claims = readPart(payload) ?? {};
  const nowSeconds = Math.floor(nowMs / 1000);
  const { exp, iat, iss } = claims;
  if (iss === undefined) throw new ApiError(401, "Missing 'issuer' claim ('iss') in assertion");
  if (iss !== app.id && iss !== String(app.id) && iss !== app.clientId) {
    throw new ApiError(401, 'Integration not found');
  }
  if (typeof iat !== 'number' || iat > nowSeconds) {
    throw new ApiError(
      401,
      "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
    );
  }
  if (typeof exp !== 'number' || exp <= nowSeconds) {
    throw new ApiError(
      401,
      "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    );
  }
  if (exp > nowSeconds + longestLifeSeconds) {
    throw new ApiError(401, "'Expiration time' claim ('exp') is too far in the future");
  }
}

function readPart(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    // Not JSON: to GitHub the same as a token that it cannot decode.
    return undefined;
  }
}
