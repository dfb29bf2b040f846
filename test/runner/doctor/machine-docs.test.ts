import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { SPECIALTY_TOOLCHAINS } from '../../../src/runner/doctor/specialty-toolchains.ts';
import { TOOLCHAINS } from '../../../src/runner/toolchains.ts';

const FOLDER = path.resolve('docs/machines');

describe.each(Object.keys(SPECIALTY_TOOLCHAINS))('docs/machines/%s.md', (specialty) => {
  const wished = new Set((SPECIALTY_TOOLCHAINS[specialty] ?? []).flatMap(({ anyOf }) => anyOf));
  const toolchains = TOOLCHAINS.filter(({ name }) => wished.has(name));

  test('names every package, and every other place, that the doctor names', async () => {
    const text = await readFile(path.join(FOLDER, `${specialty}.md`), 'utf8');

    const places = toolchains.flatMap(({ packages, from }) => (from === undefined ? packages : [from]));
    expect(places.filter((place) => !text.includes(place))).toEqual([]);
  });

  test('installs nothing that it does not explain', async () => {
    const text = await readFile(path.join(FOLDER, `${specialty}.md`), 'utf8');
    const installed = /apt-get install ([^`]*?)\n```/s.exec(text)?.[1] ?? '';
    const packages = installed.split(/[\s\\]+/).filter((name) => name !== '');

    expect(packages.length).toBeGreaterThan(5);
    expect(packages.filter((name) => text.split(name).length < 3 && !text.includes(`\`${name}\``))).toEqual(
      [],
    );
  });
});
