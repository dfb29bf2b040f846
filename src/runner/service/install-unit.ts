import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';

/** Present where systemd is the init system, see sd_booted(3). */
const BOOTED = '/run/systemd/system';

export type UnitPlace = { folder: string; name: string };

/**
 * Writes the unit, and lets systemd read it. `same`: it is there already, word for word. Throws with what to do: for another file of that
 * name without `force`, and where this user may not write.
 */
export async function installUnit(
  text: string,
  place: UnitPlace,
  options: { force: boolean },
): Promise<{ file: string; result: 'written' | 'same' }> {
  const file = path.join(place.folder, `${place.name}.service`);
  // Not there: nothing is in the way.
  const old = await readFile(file, 'utf8').catch(() => null);
  if (old === text) return { file, result: 'same' };
  if (old !== null && !options.force) {
    throw new Error(
      `${file} is there already, and differs: compare it with “yardmaster runner service print”, then --force`,
    );
  }
  try {
    await writeFile(file, text, { mode: 0o644 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EROFS') {
      throw new Error(
        `${file} can’t be written by this user: sudo, or “service print” and put it there yourself`,
        { cause: error },
      );
    }
    if (code === 'ENOENT')
      throw new Error(`there is no folder ${place.folder}: is this a machine with systemd?`, {
        cause: error,
      });
    throw error;
  }
  // Elsewhere there is nothing for it to read.
  if (place.folder.includes('/systemd/') && existsSync(BOOTED)) await execa('systemctl', ['daemon-reload']);
  return { file, result: 'written' };
}
