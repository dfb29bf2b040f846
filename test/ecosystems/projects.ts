import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import type { PackageRegistry } from '../support/package-registry.ts';
import type { Project } from '../support/work-on-project.ts';

const NO_REGISTRY = 'there is no registry for it here (it needs openssl and python3)';
const ONE_LINE = { covered: 1, lines: 1 };
const CART_NEEDS = { '@shop/money': '1.0.0', postage: '1.0.0' };

/**
 * A shop in several packages, as its ecosystem would lay it out, set up by its package manager as the analysis of the repository finds.
 * A cart forgets how many there are of an item, which one test in one package shows; others pass.
 */
export type ShopProject = Project & {
  name: string;
  /** Whether this machine can run it; why not, for people. */
  missing: string | null;
  mend: Record<string, string>;
  /** As the evidence names it; `null` where the framework tells of no single tests. */
  bug: string | null;
  /** Its one changed line, where the framework tells here which lines ran. */
  coverage?: { covered: number; lines: number };
  /** For the PATH, before all else. */
  bin?: string;
  /** What the sandbox has to be told of: toolchains in a home folder. */
  readable?: string[];
  /** Of the machine's environment. */
  machineEnv?: Record<string, string>;
};

/** `registry` has the package that it depends on; `null` = there is no such registry here. */
const npm = (registry: PackageRegistry | null): ShopProject => {
  const cart = (sum: string): string =>
    `import { postage } from 'postage';\nimport { add, times } from '@shop/money';\n\nexport function total(items) {\n  return items.reduce((sum, item) => ${sum}, 0);\n}\n\nexport function withPostage(items) {\n  return add(total(items), postage(items.length));\n}\n`;
  const manifest = (name: string, more: object): string =>
    `${JSON.stringify({ name: `@shop/${name}`, version: '1.0.0', type: 'module', exports: './src/index.js', scripts: { test: 'node --test' }, ...more }, null, 2)}\n`;
  const lock = {
    name: 'shop',
    version: '1.0.0',
    lockfileVersion: 3,
    requires: true,
    packages: {
      '': { name: 'shop', version: '1.0.0', workspaces: ['packages/*'] },
      'node_modules/@shop/cart': { resolved: 'packages/cart', link: true },
      'node_modules/@shop/money': { resolved: 'packages/money', link: true },
      'node_modules/postage': registry?.lock ?? {},
      'packages/cart': { name: '@shop/cart', version: '1.0.0', dependencies: CART_NEEDS },
      'packages/money': { name: '@shop/money', version: '1.0.0' },
    },
  };
  return {
    name: 'JavaScript: npm workspaces, node:test',
    missing: explainMissing('npm', ['--version'], 'npm') ?? (registry === null ? NO_REGISTRY : null),
    machineEnv: toNetwork(registry),
    files: {
      '.gitignore': 'node_modules\n',
      'package.json': `${JSON.stringify({ name: 'shop', version: '1.0.0', private: true, workspaces: ['packages/*'], scripts: { test: 'npm test --workspaces' } }, null, 2)}\n`,
      'package-lock.json': `${JSON.stringify(lock, null, 2)}\n`,
      'packages/money/package.json': manifest('money', {}),
      'packages/money/src/index.js':
        'export const add = (a, b) => a + b;\nexport const times = (cents, count) => cents * count;\n',
      'packages/money/test/money.test.js':
        "import assert from 'node:assert/strict';\nimport { test } from 'node:test';\nimport { add, times } from '@shop/money';\n\ntest('money adds up', () => assert.equal(add(1, times(2, 3)), 7));\n",
      'packages/cart/package.json': manifest('cart', { dependencies: CART_NEEDS }),
      'packages/cart/src/index.js': cart('add(sum, item.price)'),
      'packages/cart/test/cart.test.js':
        "import assert from 'node:assert/strict';\nimport { describe, it } from 'node:test';\nimport { total, withPostage } from '@shop/cart';\n\ndescribe('a cart', () => {\n  it('costs nothing when it is empty', () => assert.equal(withPostage([]), 0));\n  it('counts each item', () => assert.equal(total([{ price: 2, count: 3 }]), 6));\n});\n",
    },
    setup: null,
    test: null,
    mend: { 'packages/cart/src/index.js': cart('add(sum, times(item.price, item.count))') },
    bug: 'counts each item',
  };
};

const pip = (registry: PackageRegistry | null): ShopProject => {
  const cart = (each: string): string =>
    `from postage import postage\n\nfrom shop.money import times\n\n\ndef total(items):\n    return sum(${each} for item in items)\n\n\ndef with_postage(items):\n    return total(items) + postage(len(items))\n`;
  const prefix = findPrefix();
  const bin = path.join(prefix, 'bin');
  return {
    name: 'Python: pip, pytest',
    missing:
      explainMissing(
        path.join(bin, 'python3'),
        ['-m', 'pytest', '--version'],
        'pytest (pip install pytest)',
      ) ??
      explainMissing(path.join(bin, 'python3'), ['-m', 'pip', '--version'], 'pip') ??
      (registry === null ? NO_REGISTRY : null),
    bin,
    readable: atHome(prefix),
    machineEnv: toNetwork(registry),
    files: {
      '.gitignore': '__pycache__\n*.egg-info\n',
      'requirements.txt': 'postage==1.0.0\n',
      'pyproject.toml':
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["packaging"]\n\n[project]\nname = "shop"\nversion = "1.0.0"\n\n[tool.pytest.ini_options]\ntestpaths = ["tests"]\n',
      // A build backend of its own, so that nothing has to be fetched for the installation.
      'packaging/backend.py':
        "import os\nimport zipfile\n\nINFO = 'shop-1.0.0.dist-info'\n\n\ndef build_editable(wheel_directory, config_settings=None, metadata_directory=None):\n    name = 'shop-1.0.0-py3-none-any.whl'\n    with zipfile.ZipFile(os.path.join(wheel_directory, name), 'w') as wheel:\n        wheel.writestr('shop.pth', os.path.abspath('src') + '\\n')\n        wheel.writestr(INFO + '/METADATA', 'Metadata-Version: 2.1\\nName: shop\\nVersion: 1.0.0\\n')\n        wheel.writestr(INFO + '/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n        wheel.writestr(INFO + '/RECORD', '')\n    return name\n",
      'src/shop/__init__.py': '',
      'src/shop/money.py': 'def times(cents, count):\n    return cents * count\n',
      'src/shop/cart.py': cart('item["price"]'),
      'tests/test_money.py':
        'from shop.money import times\n\n\ndef test_times():\n    assert times(2, 3) == 6\n',
      'tests/test_cart.py':
        'import pytest\n\nfrom shop.cart import total, with_postage\n\n\n@pytest.fixture\ndef apples():\n    return {"price": 2, "count": 3}\n\n\ndef test_empty():\n    assert with_postage([]) == 0\n\n\ndef test_counts_each_item(apples):\n    assert total([apples]) == 6\n',
    },
    setup: null,
    test: null,
    ...(explainMissing(path.join(bin, 'python3'), ['-c', 'import pytest_cov'], 'pytest-cov') === null
      ? { coverage: ONE_LINE }
      : {}),
    mend: { 'src/shop/cart.py': cart('times(item["price"], item["count"])') },
    bug: 'test_counts_each_item',
  };
};

const cargo: ShopProject = (() => {
  const cart = (each: string): string =>
    `use money::times;\n\npub struct Item {\n    pub price: u64,\n    pub count: u64,\n}\n\npub fn total(items: &[Item]) -> u64 {\n    items.iter().map(|item| ${each}).sum()\n}\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn counts_each_item() {\n        assert_eq!(total(&[Item { price: 2, count: 3 }]), 6);\n    }\n}\n`;
  const manifest = (name: string, dependencies: string): string =>
    `[package]\nname = "${name}"\nversion = "1.0.0"\nedition = "2021"\n\n[dependencies]\n${dependencies}`;
  const bin = findRustFolder();
  return {
    name: 'Rust: Cargo workspace, cargo test',
    missing: explainMissing(bin === null ? 'cargo' : path.join(bin, 'cargo'), ['--version'], 'cargo'),
    ...(bin === null ? {} : { bin, readable: atHome(path.dirname(bin)) }),
    files: {
      '.gitignore': 'target\n',
      'Cargo.toml': '[workspace]\nmembers = ["money", "cart"]\nresolver = "2"\n',
      'Cargo.lock':
        'version = 3\n\n[[package]]\nname = "cart"\nversion = "1.0.0"\ndependencies = [\n "money",\n]\n\n[[package]]\nname = "money"\nversion = "1.0.0"\n',
      'money/Cargo.toml': manifest('money', ''),
      'money/src/lib.rs':
        'pub fn times(cents: u64, count: u64) -> u64 {\n    cents * count\n}\n\n#[test]\nfn three_apples() {\n    assert_eq!(times(2, 3), 6);\n}\n',
      'cart/Cargo.toml': manifest('cart', 'money = { path = "../money" }\n'),
      'cart/src/lib.rs': cart('times(item.price, 1)'),
      'cart/tests/empty.rs':
        'use cart::total;\n\n#[test]\nfn empty_cart_costs_nothing() {\n    assert_eq!(total(&[]), 0);\n}\n',
    },
    setup: null,
    test: null,
    mend: { 'cart/src/lib.rs': cart('times(item.price, item.count)') },
    bug: 'counts_each_item',
  };
})();

const go: ShopProject = (() => {
  const cart = (each: string): string =>
    `package cart\n\nimport "example.com/shop/money"\n\ntype Item struct{ Price, Count int }\n\nfunc Total(items []Item) int {\n\tsum := 0\n\tfor _, item := range items {\n\t\tsum += ${each}\n\t}\n\treturn sum\n}\n`;
  return {
    name: 'Go: modules, go test',
    missing: explainMissing('go', ['version'], 'Go'),
    files: {
      'go.mod': 'module example.com/shop\n\ngo 1.21\n',
      'money/money.go': 'package money\n\nfunc Times(cents, count int) int { return cents * count }\n',
      'money/money_test.go':
        'package money\n\nimport "testing"\n\nfunc TestTimes(t *testing.T) {\n\tif Times(2, 3) != 6 {\n\t\tt.Fatal("not 6")\n\t}\n}\n',
      'cart/cart.go': cart('money.Times(item.Price, 1)'),
      'cart/cart_test.go':
        'package cart\n\nimport "testing"\n\nfunc TestEmpty(t *testing.T) {\n\tif Total(nil) != 0 {\n\t\tt.Fatal("not free")\n\t}\n}\n\nfunc TestCountsEachItem(t *testing.T) {\n\tif got := Total([]Item{{Price: 2, Count: 3}}); got != 6 {\n\t\tt.Fatalf("got %d", got)\n\t}\n}\n',
    },
    setup: null,
    test: null,
    mend: { 'cart/cart.go': cart('money.Times(item.Price, item.Count)') },
    bug: 'TestCountsEachItem',
    coverage: ONE_LINE,
  };
})();

const maven: ShopProject = (() => {
  const cart = (each: string): string =>
    `package shop;\n\nimport java.util.List;\n\npublic final class Cart {\n    public record Item(int price, int count) {}\n\n    private Cart() {}\n\n    public static int total(List<Item> items) {\n        return items.stream().mapToInt(item -> ${each}).sum();\n    }\n}\n`;
  const versions = { surefire: '3.2.5', compiler: '3.14.0', resources: '3.3.1', jupiter: '5.13.4' };
  const plugin = (name: 'surefire' | 'compiler' | 'resources'): string =>
    `      <plugin>\n        <artifactId>maven-${name}-plugin</artifactId>\n        <version>${versions[name]}</version>\n      </plugin>\n`;
  // Where the machine has it all, there is no need of Maven Central.
  const local = path.join(homedir(), '.m2/repository');
  const jar = `org/junit/jupiter/junit-jupiter/${versions.jupiter}/junit-jupiter-${versions.jupiter}.jar`;
  const offline: Record<string, string> = existsSync(path.join(local, jar))
    ? { '.mvn/maven.config': `--offline\n-Dmaven.repo.local=${local}\n` }
    : {};
  return {
    name: 'Java: Maven, JUnit',
    readable: atHome(local),
    missing: explainMissing('mvn', ['--version'], 'Maven') ?? explainMissing('javac', ['--version'], 'JDK'),
    files: {
      ...offline,
      '.gitignore': 'target\n',
      'pom.xml': `<?xml version="1.0" encoding="UTF-8"?>\n<project xmlns="http://maven.apache.org/POM/4.0.0">\n  <modelVersion>4.0.0</modelVersion>\n  <groupId>com.example</groupId>\n  <artifactId>shop</artifactId>\n  <version>1.0.0</version>\n  <properties>\n    <maven.compiler.release>17</maven.compiler.release>\n    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>\n  </properties>\n  <dependencies>\n    <dependency>\n      <groupId>org.junit.jupiter</groupId>\n      <artifactId>junit-jupiter</artifactId>\n      <version>${versions.jupiter}</version>\n      <scope>test</scope>\n    </dependency>\n  </dependencies>\n  <build>\n    <plugins>\n${plugin('resources')}${plugin('compiler')}${plugin('surefire')}    </plugins>\n  </build>\n</project>\n`,
      'src/main/java/shop/Money.java':
        'package shop;\n\npublic final class Money {\n    private Money() {}\n\n    public static int times(int cents, int count) {\n        return cents * count;\n    }\n}\n',
      'src/main/java/shop/Cart.java': cart('item.price()'),
      'src/test/java/shop/MoneyTest.java':
        'package shop;\n\nimport static org.junit.jupiter.api.Assertions.assertEquals;\n\nimport org.junit.jupiter.api.Test;\n\nclass MoneyTest {\n    @Test\n    void times() {\n        assertEquals(6, Money.times(2, 3));\n    }\n}\n',
      'src/test/java/shop/CartTest.java':
        'package shop;\n\nimport static org.junit.jupiter.api.Assertions.assertEquals;\n\nimport java.util.List;\nimport org.junit.jupiter.api.Test;\n\nclass CartTest {\n    @Test\n    void emptyCostsNothing() {\n        assertEquals(0, Cart.total(List.of()));\n    }\n\n    @Test\n    void countsEachItem() {\n        assertEquals(6, Cart.total(List.of(new Cart.Item(2, 3))));\n    }\n}\n',
    },
    setup: null,
    test: null,
    mend: { 'src/main/java/shop/Cart.java': cart('Money.times(item.price(), item.count())') },
    bug: 'countsEachItem',
  };
})();

const cmake: ShopProject = (() => {
  const cart = (each: string): string =>
    `#include "cart.hpp"\n\n#include "money.hpp"\n\nint total(const std::vector<Item>& items) {\n  int sum = 0;\n  for (const Item& item : items) sum += ${each};\n  return sum;\n}\n`;
  return {
    name: 'C++: CMake, CTest',
    missing:
      explainMissing('cmake', ['--version'], 'CMake') ?? explainMissing('c++', ['--version'], 'C++ compiler'),
    files: {
      'CMakeLists.txt':
        'cmake_minimum_required(VERSION 3.20)\nproject(shop CXX)\nset(CMAKE_CXX_STANDARD 17)\nadd_library(shop src/money.cpp src/cart.cpp)\ntarget_include_directories(shop PUBLIC include)\nenable_testing()\nforeach(name money_test cart_test)\n  add_executable(${name} tests/${name}.cpp)\n  target_link_libraries(${name} shop)\n  add_test(NAME ${name} COMMAND ${name})\nendforeach()\n',
      'include/money.hpp': '#pragma once\nint times(int cents, int count);\n',
      'include/cart.hpp':
        '#pragma once\n#include <vector>\nstruct Item {\n  int price;\n  int count;\n};\nint total(const std::vector<Item>& items);\n',
      'src/money.cpp': '#include "money.hpp"\n\nint times(int cents, int count) { return cents * count; }\n',
      'src/cart.cpp': cart('times(item.price, 1)'),
      'tests/money_test.cpp': '#include "money.hpp"\n\nint main() { return times(2, 3) == 6 ? 0 : 1; }\n',
      'tests/cart_test.cpp':
        '#include "cart.hpp"\n\nint main() { return total({}) == 0 && total({{2, 3}}) == 6 ? 0 : 1; }\n',
    },
    setup: null,
    test: null,
    mend: { 'src/cart.cpp': cart('times(item.price, item.count)') },
    bug: null,
  };
})();

export function shopProjects(registry: PackageRegistry | null): ShopProject[] {
  return [npm(registry), pip(registry), cargo, go, maven, cmake];
}

/** `null` when the program answers, started as in an attempt: with a HOME of its own, where no toolchain of the user's home is found. */
function explainMissing(program: string, args: string[], what: string): string | null {
  try {
    execFileSync(program, args, { stdio: 'ignore', env: { PATH: process.env['PATH'], HOME: tmpdir() } });
    return null;
  } catch {
    return `this machine has no ${what}`;
  }
}

/** A machine in a network with a proxy and a certificate authority of its own, behind which is the registry. */
function toNetwork(registry: PackageRegistry | null): Record<string, string> {
  if (registry === null) return {};
  return {
    HTTPS_PROXY: registry.proxyUrl,
    NODE_EXTRA_CA_CERTS: registry.certificate,
    SSL_CERT_FILE: registry.certificate,
    REQUESTS_CA_BUNDLE: registry.certificate,
  };
}

/** Of the Python that a shell would find, whatever stands before it; '' where there is none. */
function findPrefix(): string {
  try {
    const print = 'import sys; print(sys.base_prefix)';
    return execFileSync('python3', ['-c', print], { encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
}

/** What a sandbox would not show by itself. */
function atHome(folder: string): string[] {
  return folder.startsWith(`${homedir()}/`) && existsSync(folder) ? [folder] : [];
}

/** The programs themselves, which do without the home folder that rustup's stand-ins look in; `null` where there is no rustup. */
function findRustFolder(): string | null {
  try {
    return path.dirname(execFileSync('rustup', ['which', 'cargo'], { encoding: 'utf8' }).trim());
  } catch {
    return null;
  }
}
