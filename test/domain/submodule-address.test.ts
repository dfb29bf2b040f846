import { describe, expect, test } from 'vitest';
import { parseSubmodules, toSubmoduleAddress } from '../../src/domain/submodule-address.ts';

const PARENT = 'https://github.com/acme/widgets.git';

describe('leads to a repository on the same GitHub', () => {
  test.each([
    ['../parts.git', 'acme/parts'],
    ['../../tools/parts', 'tools/parts'],
    ['https://github.com/tools/parts.git', 'tools/parts'],
    ['http://github.com/tools/parts/', 'tools/parts'],
    ['git@github.com:tools/parts.git', 'tools/parts'],
    ['ssh://git@github.com/tools/parts.git', 'tools/parts'],
  ])('%s', (url, to) => {
    const address = toSubmoduleAddress(url, PARENT);

    expect(address.ok && `${address.repository.owner}/${address.repository.name}`).toBe(to);
  });
});

describe('leads nowhere else', () => {
  test.each([
    'https://gitlab.com/tools/parts.git',
    'https://github.com.evil.example/tools/parts.git',
    'https://github.com:8443/tools/parts.git',
    'https://user:secret@github.com/tools/parts.git',
    'https://github.com@evil.example/tools/parts',
    'git@evil.example:tools/parts.git',
    'ssh://git@github.com:22/tools/parts.git',
    'ssh://other@github.com/tools/parts.git',
    'file:///etc',
    '/etc',
    'ext::sh -c evil',
    'git://github.com/tools/parts.git',
    '--upload-pack=evil',
    '-u./payload',
    '../..',
    '../../../../etc',
    './parts',
    'https://github.com/tools',
    'https://github.com/tools/..',
    'https://github.com/tools/parts/extra',
    'https://github.com/tools/%2e%2e',
    'https://github.com/tools/parts\n',
    '..\\parts',
    '',
  ])('%j', (url) => {
    expect(toSubmoduleAddress(url, PARENT).ok).toBe(false);
  });
});

test('.gitmodules is read by path, and half an entry is none', () => {
  const output = [
    'submodule.../x.path\nlib',
    'submodule.../x.url\n../lib.git',
    'submodule.half.path\nhalf',
    'submodule.late.url\nold',
    'submodule.late.path\na b',
    'submodule.late.url\nnew',
    '',
  ].join('\0');

  expect([...parseSubmodules(output)]).toEqual([
    ['lib', '../lib.git'],
    ['a b', 'new'],
  ]);
});
