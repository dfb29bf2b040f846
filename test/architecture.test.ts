import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { cruise, type ICruiseOptions, type IForbiddenRuleType } from 'dependency-cruiser';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ENVIRONMENT_NAMES } from '../src/config.ts';
import { SPECIALTY_KEYS } from '../src/domain/settings-file.ts';
import { RUNNER_VARIABLES } from '../src/runner/config-environment.ts';
import { HANDLED_EVENTS } from '../src/webhooks/translate.ts';

const root = path.resolve(import.meta.dirname, '..');

describe('imports', () => {
  test('follow the table, without circles', async () => {
    const { forbidden, options } = await readImportTable();

    const { output } = await cruise(['src'], {
      ...options,
      baseDir: root,
      validate: true,
      ruleSet: { forbidden },
    });

    if (typeof output === 'string') throw new Error(output);
    expect(output.modules.length).toBeGreaterThan(50);
    expect(output.summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`)).toEqual(
      [],
    );
  }, 60_000);
});

describe('domain and contract', () => {
  test.each(sourceFiles('src/domain', 'src/contract'))(
    '%s touches no clock, chance, network or environment',
    (file) => {
      const code = withoutComments(readFileSync(path.join(root, file), 'utf8'));

      expect(code).not.toMatch(
        /\b(Date\.now|new Date\(\)|performance\.|Math\.random|randomUUID|fetch\(|process\.|setTimeout|setInterval)/,
      );
    },
  );
});

test('only the command line and the two configurations read the environment', () => {
  const readers = sourceFiles('src').filter((file) =>
    withoutComments(readFileSync(path.join(root, file), 'utf8')).includes('process.env'),
  );

  expect(
    readers.filter(
      (file) => !['src/cli.ts', 'src/config.ts', 'src/runner/config.ts', 'src/app.ts'].includes(file),
    ),
  ).toEqual([]);
});

describe('what people read is true', () => {
  test('app.yml subscribes to the events that are handled, no more and no less', () => {
    const text = readFileSync(path.join(root, 'app.yml'), 'utf8');
    const manifest = parse(text) as { default_events: string[] };
    // GitHub takes no App that wants to hear of these without the permission that they need.
    const optional = [...text.matchAll(/^ {2}# - (\w+)$/gm)].map(([, event]) => event);
    // GitHub sends these to every App, asked or not.
    const automatic = ['installation', 'installation_repositories'];

    const handled = [...new Set(HANDLED_EVENTS.map((name) => name.split('.')[0] ?? name))];

    expect(optional).toEqual(['status']);
    const named = new Set([...manifest.default_events, ...optional]);
    expect(new Set(handled.filter((event) => !automatic.includes(event)))).toEqual(named);
  });

  test('README.md names the same events', () => {
    const page = readFileSync(path.join(root, 'README.md'), 'utf8');
    const manifest = parse(readFileSync(path.join(root, 'app.yml'), 'utf8')) as { default_events: string[] };

    const row = /^\| Subscribe to events \| (.*) \|$/m.exec(page)?.[1] ?? '';

    const named = row.split(' · ').map((name) => name.toLowerCase().replaceAll(' ', '_'));
    expect(named.sort()).toEqual([...manifest.default_events].sort());
  });

  test('links of the pages in the package lead to files in the package', () => {
    const { files } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
      files: string[];
    };
    // npm takes these two in any case.
    const packed = [...files, 'README.md', 'LICENSE'];
    const pages = packed
      .flatMap((name) => (name === 'docs' ? markdownFiles('docs') : name))
      .filter((name) => name.endsWith('.md'));

    const lost = pages.flatMap((page) =>
      [...readFileSync(path.join(root, page), 'utf8').matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)]
        .map((match) => path.posix.join(path.posix.dirname(page), match[1] ?? ''))
        .filter(
          (file) =>
            !existsSync(path.join(root, file)) ||
            (!packed.includes(file.split('/')[0] ?? '') && !packed.includes(file)),
        )
        .map((file) => `${page} → ${file}`),
    );

    expect(pages.length).toBeGreaterThan(10);
    expect(lost).toEqual([]);
  });

  test('docs/runner.md lists every environment variable of the runner, with its key', () => {
    const page = readFileSync(path.join(root, 'docs/runner.md'), 'utf8');

    const missing = RUNNER_VARIABLES.filter(
      ({ name, key }) => !page.includes(`| \`${name}\` | \`${key.join('.')}\` |`),
    );

    expect(missing.map(({ name }) => name)).toEqual([]);
  });

  test('docs/settings.md lists every key of a specialty', () => {
    const page = readFileSync(path.join(root, 'docs/settings.md'), 'utf8');

    expect(SPECIALTY_KEYS.filter((key) => !page.includes(`| \`${key}\` |`))).toEqual([]);
  });

  test('.env.example lists every setting that is read, and nothing else', () => {
    const example = readFileSync(path.join(root, '.env.example'), 'utf8');
    const listed = [...example.matchAll(/^#?([A-Z][A-Z_]+)=/gm)].map((match) => match[1] ?? '');

    expect(listed.sort()).toEqual([...ENVIRONMENT_NAMES].sort());
  });
});

/** The rules that `npm run imports` holds, too. */
async function readImportTable(): Promise<{ forbidden: IForbiddenRuleType[]; options: ICruiseOptions }> {
  const file = path.join(root, '.dependency-cruiser.mjs');
  const module = (await import(file)) as { default: Awaited<ReturnType<typeof readImportTable>> };
  return module.default;
}

function sourceFiles(...folders: string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => path.posix.join(folder, name)),
  );
}

function markdownFiles(folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.posix.join(folder, name));
}

function withoutComments(code: string): string {
  return code.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '');
}
