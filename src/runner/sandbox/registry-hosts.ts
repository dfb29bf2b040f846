/** Ecosystem → domain → names below it where its package managers get their packages; `''` is the domain itself. */
const REGISTRIES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'Node.js': { 'npmjs.org': ['registry'], 'yarnpkg.com': ['registry', 'repo'] },
  Python: { 'pypi.org': [''], 'pythonhosted.org': ['files'] },
  Rust: { 'crates.io': ['', 'index', 'static'] },
  Go: { 'golang.org': ['proxy', 'sum'] },
  Java: {
    'apache.org': ['repo.maven'],
    'maven.org': ['repo1'],
    'gradle.org': ['plugins', 'plugins-artifacts', 'services', 'downloads'],
  },
  '.NET': { 'nuget.org': ['api', 'globalcdn'] },
  Ruby: { 'rubygems.org': ['', 'index'] },
  PHP: { 'packagist.org': ['', 'repo'] },
  Elixir: { 'hex.pm': ['', 'repo', 'builds'] },
  Terraform: { 'terraform.io': ['registry'], 'hashicorp.com': ['releases'] },
};

/** Where the package managers of the ecosystems that we know get their packages, and nothing else. */
export const REGISTRY_HOSTS: readonly string[] = Object.values(REGISTRIES).flatMap((domains) =>
  Object.entries(domains).flatMap(([domain, names]) =>
    names.map((name) => (name === '' ? domain : `${name}.${domain}`)),
  ),
);
