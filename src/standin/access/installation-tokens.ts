import { randomBytes } from 'node:crypto';
import { ApiError } from '../http/api-error.ts';
import type { Installation, PermissionLevel, Permissions, Repository, World } from '../world.ts';
import { levelCovers } from './permission-level.ts';

const usualLifeMs = 3_600_000;
const mostRepositories = 500;

export type InstallationToken = {
  id: number;
  secret: string;
  installation: Installation;
  permissions: Permissions;
  /** `null`: whatever the installation covers at the time of use. */
  repositoryIds: Set<number> | null;
  expiresAtMs: number;
  revoked: boolean;
};

/** What a caller asks a token to be cut down to. */
export type TokenRequest = {
  repositories: string[] | undefined;
  repositoryIds: number[] | undefined;
  permissions: Record<string, unknown> | undefined;
  /** The older 40-character form instead of the long one with dots. */
  short: boolean;
};

/** Mints, finds and revokes installation tokens. They live one hour of the clock, or `lifeMs`, and cannot be renewed. */
export function createInstallationTokens(deps: {
  world: World;
  clock: { nowMs(): number };
  app: { id: number };
  lifeMs?: number | undefined;
}) {
  const { world, clock, app, lifeMs = usualLifeMs } = deps;
  const bySecret = new Map<string, InstallationToken>();

  function mint(installation: Installation, request: TokenRequest): InstallationToken {
    const token: InstallationToken = {
      id: world.newId('token'),
      secret: request.short ? shortSecret() : longSecret(app.id),
      installation,
      permissions: cutPermissions(installation, request.permissions),
      repositoryIds: cutRepositories(installation, request),
      expiresAtMs: clock.nowMs() + lifeMs,
      revoked: false,
    };
    bySecret.set(token.secret, token);
    return token;
  }

  function cutRepositories(installation: Installation, request: TokenRequest): Set<number> | null {
    const { repositories, repositoryIds } = request;
    if (repositories === undefined && repositoryIds === undefined) return null;
    if ((repositories?.length ?? 0) + (repositoryIds?.length ?? 0) > mostRepositories) {
      throw new ApiError(422, 'Too many repositories requested.');
    }
    const covered = world.repositoriesOf(installation);
    const byName = (repositories ?? []).map((name) =>
      covered.find((one) => one.name.toLowerCase() === name.toLowerCase()),
    );
    const byId = (repositoryIds ?? []).map((id) => covered.find((one) => one.id === id));
    const chosen = [...byName, ...byId];
    if (!chosen.every((one) => one !== undefined)) {
      throw new ApiError(
        422,
        'There is at least one repository that does not exist or is not accessible to the parent installation.',
      );
    }
    return new Set(chosen.map((one) => one.id));
  }

  /** The token behind a secret, if it still opens anything. */
  function find(secret: string): InstallationToken | undefined {
    const token = bySecret.get(secret);
    return token && !token.revoked && token.expiresAtMs > clock.nowMs() ? token : undefined;
  }

  function revokeAllOf(installation: Installation): void {
    for (const token of bySecret.values()) if (token.installation === installation) token.revoked = true;
  }

  return { mint, find, revokeAllOf, all: () => [...bySecret.values()] };
}

export type InstallationTokens = ReturnType<typeof createInstallationTokens>;

/**
 * Whether the token reaches the repository now: selection at mint, and what the installation still covers.
 */
export function tokenReaches(world: World, token: InstallationToken, repository: Repository): boolean {
  const inSelection = token.repositoryIds === null || token.repositoryIds.has(repository.id);
  return inSelection && world.installationOf(repository) === token.installation;
}

function cutPermissions(installation: Installation, asked: Record<string, unknown> | undefined): Permissions {
  if (asked === undefined) return { ...installation.permissions };
  const cut: Permissions = {};
  for (const [name, level] of Object.entries(asked)) {
    const granted = installation.permissions[name];
    if (!isLevel(level) || granted === undefined || !levelCovers(granted, level)) {
      throw new ApiError(422, 'The permissions requested are not granted to this installation.');
    }
    cut[name] = level;
  }
  return { ...cut, metadata: 'read' };
}

function isLevel(value: unknown): value is PermissionLevel {
  return value === 'read' || value === 'write' || value === 'admin';
}

function shortSecret(): string {
  return `ghs_${randomBytes(18).toString('hex')}`;
}

/**
 * Long, with dots and of no fixed alphabet, like the tokens GitHub rolls out since 2026: nobody may parse
 * them.
 */
function longSecret(appId: number): string {
  const part = (bytes: number) => randomBytes(bytes).toString('base64url');
  return `ghs_${appId}_eyJ${part(24)}.${part(210)}.${part(128)}`;
}
