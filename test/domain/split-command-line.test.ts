import { describe, expect, test } from 'vitest';
import { splitCommandLine } from '../../src/domain/split-command-line.ts';

describe('a command line becomes program and arguments', () => {
  test.each([
    ['npm test', ['npm', 'test']],
    ['  npm\t test  ', ['npm', 'test']],
    [`pytest -k "a b"`, ['pytest', '-k', 'a b']],
    [`pytest -k 'a | b && $(c) * > d'`, ['pytest', '-k', 'a | b && $(c) * > d']],
    [`echo "say \\"hi\\" \\\\ \\$HOME"`, ['echo', 'say "hi" \\ $HOME']],
    [`echo a\\ b`, ['echo', 'a b']],
    [`echo --name="x"'y'z`, ['echo', '--name=xyz']],
    ['go test ./...', ['go', 'test', './...']],
    ['make -j4 CC=gcc', ['make', '-j4', 'CC=gcc']],
    ['echo 5$', ['echo', '5$']],
    [`env CI=1 npm test`, ['env', 'CI=1', 'npm', 'test']],
    [`echo "a | b; c > d * e"`, ['echo', 'a | b; c > d * e']],
  ])('%s', (line, command) => {
    expect(splitCommandLine(line)).toEqual({ ok: true, command });
  });
});

describe('what needs a shell is refused, with what to write instead', () => {
  test.each([
    ['npm ci && npm test', /`&&` joins commands/, /use a list of commands/],
    ['npm ci; npm test', /`;` joins commands/, /use a list of commands/],
    ['npm test | tee log', /`\|` joins commands/, /use a list of commands/],
    ['npm test || true', /`\|\|` joins commands/, /use a list of commands/],
    ['server &', /`&` joins commands/, /use a list/],
    ['npm test > log', /`>` redirects/, /use a list/],
    ['npm test 2>&1', /`>` redirects/, /use a list/],
    ['cat < x', /`<` redirects/, /use a list/],
    ['echo $(id)', /`\$\(` runs a command/, /use a list/],
    ['echo `id`', /`{3} runs a command/, /use a list/],
    ['echo "$(id)"', /`\$\(` would be replaced/, /'…'/],
    ['echo "`id`"', /would be replaced/, /'…'/],
    ['echo "$HOME"', /would be replaced/, /'…'/],
    ['echo $HOME', /stands for a variable/, /'…'/],
    ['echo ${HOME}', /`\$\{` stands for a variable/, /'…'/],
    ['pytest tests/*.py', /`\*` stands for file names/, /'…'/],
    ['CI=1 npm test', /`CI=1` sets a variable/, /write `env CI=1 npm test`/],
    ['npm ci\nnpm test', /one line/, /list of commands/],
    ["echo 'a", /never closed/, /close it/],
    ['echo "a', /never closed/, /close it/],
    ['echo a\\', /ends in a \\/, /remove it/],
    ['   ', /empty/, /name a command/],
    [`echo ''`, /empty argument/, /leave the empty quotes out/],
  ])('%s', (line, message, fix) => {
    expect(splitCommandLine(line)).toEqual({
      ok: false,
      message: expect.stringMatching(message),
      fix: expect.stringMatching(fix),
    });
  });
});
