import { describeUse, type DiskQuota } from '../disk-quota.ts';
import { type Check, fine, trouble } from './check.ts';

/** GitHub refuses an App’s own token that is 60 s off; logs and certificates bear a little more. In milliseconds. */
const CLOCK_TOLERANCE_MS = 30_000;
const GIB = 1024 ** 3;
/** A few clones with what they install. */
const COMFORTABLE_BYTES = 10 * GIB;

/** `offsetMs`: how far this machine’s clock is ahead of the far side’s; `null` = nobody could be asked. */
export function judgeClock(offsetMs: number | null, transport: 'coordinator' | 'github'): Check {
  if (offsetMs === null) {
    return trouble(
      'warning',
      'clock',
      'nobody to compare it with',
      'mend what keeps the others from being reached',
    );
  }
  const seconds = Math.round(Math.abs(offsetMs) / 1000);
  if (Math.abs(offsetMs) <= CLOCK_TOLERANCE_MS) return fine('clock', 'right to a few seconds');
  return trouble(
    // Only there it signs with the time.
    transport === 'github' ? 'failed' : 'warning',
    'clock',
    `${seconds} s ${offsetMs > 0 ? 'fast' : 'slow'}`,
    'let the machine keep time: apt-get install systemd-timesyncd && timedatectl set-ntp true',
  );
}

/** `leastBytes`: below it the runner begins nothing. */
export function judgeDisk(freeBytes: number, leastBytes: number, workspaceRoot: string): Check {
  const found = `${(freeBytes / GIB).toFixed(1)} GiB free for ${workspaceRoot}`;
  const fix = '“yardmaster runner workspace prune” makes room; or move workspace_root to a larger disk';
  if (freeBytes < leastBytes)
    return trouble('failed', 'disk', found, `nothing is begun with so little: ${fix}`);
  if (freeBytes < COMFORTABLE_BYTES) return trouble('warning', 'disk', found, `that is little: ${fix}`);
  return fine('disk', found);
}

/** `usedBytes`: of all below the workspace root. */
export function judgeDiskUse(usedBytes: number, quota: DiskQuota): Check {
  const found = describeUse(usedBytes, quota);
  if (quota.total === null || usedBytes <= quota.total) return fine('disk use', found);
  return trouble(
    'warning',
    'disk use',
    found,
    'the runner gives up what nobody uses; “yardmaster runner workspace list” tells what takes it. Or raise disk.max_gb',
  );
}

/** `uid` of whoever asks; `undefined` where there is no such thing. */
export function judgeUser(uid: number | undefined, name: string): Check {
  if (uid !== 0) return fine('user', name);
  return trouble(
    'warning',
    'user',
    'root',
    'give the runner a user of its own, and run the doctor as that one: useradd --system --create-home --shell /bin/bash yardmaster',
  );
}

/** `mode` of the key file: nobody else may read it. */
export function judgeKeyMode(mode: number, file: string): Check {
  if ((mode & 0o077) === 0) return fine('key', file);
  return trouble(
    'failed',
    'key',
    `${file} can be read by others on this machine`,
    `chmod 600 ${file}, then “yardmaster runner rotate-key”`,
  );
}
