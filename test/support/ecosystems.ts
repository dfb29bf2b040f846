import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Command } from '../../src/contract/command-run.ts';

/** A small real project with a seeded bug, and what mends it. */
export type EcosystemCase = {
  name: string;
  /** Whether this machine can run it; why not, for people. */
  missing: string | null;
  files: Record<string, string>;
  /** Without it: what the analysis finds, which is what is wanted. */
  setup: Command[];
  /** `null` = what the analysis finds. */
  test: Command[] | null;
  mend: Record<string, string>;
  /** Breaks a test that passed. */
  breakIt: Record<string, string>;
  bug: string;
  broken: string;
};

const NODE_MODULES = path.resolve(import.meta.dirname, '../../node_modules');

const CART_JS = (sum: string, discount: string): string =>
  `export function total(items) {\n  return items.reduce((sum, item) => ${sum}, 0);\n}\n\nexport function discount(cents, percent) {\n  return ${discount};\n}\n`;
const JS_FIXED = 'sum + item.price * item.count';
const JS_BUGGY = 'sum + item.price';
const JS_DISCOUNT = 'Math.round((cents * (100 - percent)) / 100)';

const nodeTest: EcosystemCase = {
  name: 'node:test',
  missing: null,
  files: {
    'package.json': '{ "name": "cart", "type": "module", "scripts": { "test": "node --test" } }\n',
    'src/cart.js': CART_JS(JS_BUGGY, JS_DISCOUNT),
    'test/total.test.js':
      "import assert from 'node:assert/strict';\nimport { describe, it } from 'node:test';\nimport { total } from '../src/cart.js';\n\ndescribe('total', () => {\n  it('is nothing for an empty cart', () => assert.equal(total([]), 0));\n  it('counts each item', () => assert.equal(total([{ price: 2, count: 3 }]), 6));\n});\n",
    'test/discount.test.js':
      "import assert from 'node:assert/strict';\nimport { test } from 'node:test';\nimport { discount } from '../src/cart.js';\n\ntest('takes off a share', () => assert.equal(discount(200, 10), 180));\n",
  },
  setup: [],
  test: null,
  mend: { 'src/cart.js': CART_JS(JS_FIXED, JS_DISCOUNT) },
  breakIt: { 'src/cart.js': CART_JS(JS_BUGGY, 'cents - percent') },
  bug: 'test/total.test.js › total › counts each item',
  broken: 'test/discount.test.js › takes off a share',
};

const vitest: EcosystemCase = {
  name: 'vitest',
  missing: null,
  files: {
    '.gitignore': 'node_modules\n',
    'package.json':
      '{ "name": "cart", "type": "module", "scripts": { "test": "vitest run" }, "devDependencies": { "vitest": "*" } }\n',
    'src/cart.js': CART_JS(JS_BUGGY, JS_DISCOUNT),
    'src/cart.test.js':
      "import { describe, expect, it } from 'vitest';\nimport { discount, total } from './cart.js';\n\ndescribe('total', () => {\n  it('is nothing for an empty cart', () => expect(total([])).toBe(0));\n  it('counts each item', () => expect(total([{ price: 2, count: 3 }])).toBe(6));\n});\n\nit('takes off a share', () => expect(discount(200, 10)).toBe(180));\n",
  },
  // What an installation would do, from what this repository has installed.
  setup: [['ln', '-s', NODE_MODULES, 'node_modules']],
  test: null,
  mend: { 'src/cart.js': CART_JS(JS_FIXED, JS_DISCOUNT) },
  breakIt: { 'src/cart.js': CART_JS(JS_BUGGY, 'cents - percent') },
  bug: 'src/cart.test.js › total counts each item',
  broken: 'src/cart.test.js › takes off a share',
};

const CART_PY = (sum: string, discount: string): string =>
  `def total(items):\n    return sum(${sum} for item in items)\n\n\ndef discount(cents, percent):\n    return ${discount}\n`;
const PY_DISCOUNT = 'round(cents * (100 - percent) / 100)';

const pytest: EcosystemCase = {
  name: 'pytest',
  missing: explainMissing(
    'python3',
    ['-m', 'pytest', '--version'],
    'pytest (apt-get install python3-pytest)',
  ),
  files: {
    'pyproject.toml':
      '[tool.pytest.ini_options]\npythonpath = ["src"]\ntestpaths = ["tests"]\n\n[project]\nname = "cart"\nversion = "1.0"\n',
    '.gitignore': '__pycache__\n.pytest_cache\n',
    'src/cart.py': CART_PY('item["price"]', PY_DISCOUNT),
    'tests/test_cart.py':
      'import pytest\n\nfrom cart import discount, total\n\n\nclass TestTotal:\n    def test_empty(self):\n        assert total([]) == 0\n\n    def test_counts_each_item(self):\n        assert total([{"price": 2, "count": 3}]) == 6\n\n\n@pytest.mark.parametrize(("percent", "left"), [(10, 180), (50, 100)])\ndef test_discount(percent, left):\n    assert discount(200, percent) == left\n',
  },
  setup: [],
  test: null,
  mend: { 'src/cart.py': CART_PY('item["price"] * item["count"]', PY_DISCOUNT) },
  breakIt: { 'src/cart.py': CART_PY('item["price"]', 'cents - percent * 2 if percent == 10 else cents') },
  bug: 'tests.test_cart.TestTotal › test_counts_each_item',
  broken: 'tests.test_cart › test_discount[50-100]',
};

const CART_RS = (sum: string, discount: string): string =>
  `pub struct Item {\n    pub price: u64,\n    pub count: u64,\n}\n\npub fn total(items: &[Item]) -> u64 {\n    items.iter().map(|item| ${sum}).sum()\n}\n\npub fn discount(cents: u64, percent: u64) -> u64 {\n    ${discount}\n}\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn counts_each_item() {\n        assert_eq!(total(&[Item { price: 2, count: 3 }]), 6);\n    }\n\n    #[test]\n    fn takes_off_a_share() {\n        assert_eq!(discount(200, 10), 180);\n    }\n}\n`;
const RS_DISCOUNT = 'cents * (100 - percent) / 100';

const cargo: EcosystemCase = {
  name: 'cargo',
  missing: explainMissing('cargo', ['--version'], 'cargo'),
  files: {
    '.gitignore': 'target\n',
    'Cargo.toml': '[package]\nname = "cart"\nversion = "1.0.0"\nedition = "2021"\n',
    'Cargo.lock': 'version = 3\n\n[[package]]\nname = "cart"\nversion = "1.0.0"\n',
    'src/lib.rs': CART_RS('item.price + item.count - item.count', RS_DISCOUNT),
    'tests/empty.rs':
      'use cart::total;\n\n#[test]\nfn empty_cart_costs_nothing() {\n    assert_eq!(total(&[]), 0);\n}\n',
  },
  setup: [],
  test: null,
  mend: { 'src/lib.rs': CART_RS('item.price * item.count', RS_DISCOUNT) },
  breakIt: { 'src/lib.rs': CART_RS('item.price + item.count - item.count', 'cents - percent') },
  bug: 'tests::counts_each_item',
  broken: 'tests::takes_off_a_share',
};

export const ECOSYSTEM_CASES: readonly EcosystemCase[] = [nodeTest, vitest, pytest, cargo];

/** `null` when the program answers. */
function explainMissing(program: string, args: string[], what: string): string | null {
  try {
    // As an attempt has it: a HOME of its own, where a toolchain that lives in the user's home isn't found.
    execFileSync(program, args, { stdio: 'ignore', env: { PATH: process.env['PATH'], HOME: tmpdir() } });
    return null;
  } catch {
    return `this machine has no ${what}, or only one in a home folder`;
  }
}
