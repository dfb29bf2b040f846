/**
 * The version of the runner API. A runner sends its own in every call (header `Yardmaster-Protocol`).
 * Minor versions only add optional fields; a major version may change what a call means.
 */
export const PROTOCOL_VERSION = { major: 1, minor: 4 } as const;

/** Runners before this version do not know jobs of kind `revise`. */
export const REVISIONS_SINCE = { major: 1, minor: 2 } as const;

export const PROTOCOL_HEADER = 'yardmaster-protocol';

/** What the coordinator answers to a runner's version: go on, or the reason it can't (HTTP 426). */
export type ProtocolVerdict = { ok: true } | { ok: false; reason: string };

/** `1.0` for the header. */
export function toProtocolHeader(version: { major: number; minor: number } = PROTOCOL_VERSION): string {
  return `${version.major}.${version.minor}`;
}

/**
 * Whether a runner that speaks `header` may talk to this coordinator: the same major version, or the one before
 * (so that coordinators can be upgraded first).
 */
export function judgeProtocol(header: string | undefined): ProtocolVerdict {
  const match = /^(\d{1,4})\.(\d{1,4})$/.exec(header ?? '');
  if (!match) {
    return {
      ok: false,
      reason: `the header ${PROTOCOL_HEADER} is missing or malformed; this coordinator speaks ${toProtocolHeader()}`,
    };
  }
  const major = Number(match[1]);
  if (major === PROTOCOL_VERSION.major || major === PROTOCOL_VERSION.major - 1) return { ok: true };
  return {
    ok: false,
    reason:
      major > PROTOCOL_VERSION.major
        ? `the runner speaks protocol ${header}, newer than this coordinator's ${toProtocolHeader()}: upgrade the coordinator first`
        : `the runner speaks protocol ${header}, this coordinator ${toProtocolHeader()}: upgrade the runner (install the package of this coordinator’s version there)`,
  };
}

/** Whether `header` is of that version, or a later one. */
export function isSince(header: string | null | undefined, least: { major: number; minor: number }): boolean {
  const [major = 0, minor = 0] = (header ?? '').split('.').map(Number);
  return major > least.major || (major === least.major && minor >= least.minor);
}
